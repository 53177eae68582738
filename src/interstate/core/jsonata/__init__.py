"""JSONata as Step Functions speaks it: pure, bounded, with the functions that the service adds."""

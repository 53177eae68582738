"""Words that all layers share; imports nothing of ours."""

"""Functions: names, what their processes see, how calls end, are repeated and reported."""

"""What a meter could not resolve: numbers that are no readings, clamps, limits and zeros."""

"""What cells do: readings in, lognormal populations and programming conditions out."""

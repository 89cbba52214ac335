"""Trade-off: which programming condition is good enough for a network, and what it costs."""

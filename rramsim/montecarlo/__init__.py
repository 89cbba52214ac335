"""Chips drawn from a fault model, and networks scored on them."""

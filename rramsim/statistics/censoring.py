"""How it is written that a value is beyond the range of the meter."""

BELOW, EXACT, ABOVE = -1, 0, 1
"""Censoring of a reading: the true value is at most, equal to, or at least the number."""

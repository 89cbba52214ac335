"""Tables of what somebody made of readings, instead of the readings."""

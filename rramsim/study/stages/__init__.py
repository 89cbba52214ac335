"""What a trade-off goes through: devices, networks, chips, and what points cost."""

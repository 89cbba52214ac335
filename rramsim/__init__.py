"""From measured RRAM resistances to the energy-accuracy trade-off of a binarized network."""

__version__ = "0.1.0"

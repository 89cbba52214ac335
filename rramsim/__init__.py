"""From measured RRAM resistances to the energy-accuracy trade-off of a binarized network."""

from rramsim.version import __version__

__all__ = ["__version__"]

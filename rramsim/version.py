"""The version of rramsim, which every file it writes names."""

__version__ = "0.2.0.dev0"

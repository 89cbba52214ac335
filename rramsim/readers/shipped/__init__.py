"""What data come with rramsim, and which file does a name mean?"""

from rramsim.readers.shipped.sets import is_folder, resolve

__all__ = ["is_folder", "resolve"]

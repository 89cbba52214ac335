"""What do the resistances of many cells look like?"""

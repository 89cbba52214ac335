"""Which cells of a chip are read wrongly, and where on the tiles do they lie?"""

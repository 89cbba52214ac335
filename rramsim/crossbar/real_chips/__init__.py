"""Which bits does each cell of a real chip hold, and which were read wrongly?"""

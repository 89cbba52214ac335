"""What does a measurement file say: which quantity, unit, state, cell, limit?"""

"""What do cells do: populations, bit errors, energy, lifetime?"""

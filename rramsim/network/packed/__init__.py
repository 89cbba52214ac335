"""Binarized networks computed 64 weights to a word: XOR, popcount and integer thresholds."""

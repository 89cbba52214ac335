"""Binarized networks computed 64 weights to a word: mismatches and integer thresholds."""

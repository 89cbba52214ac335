"""Binarized networks: images, training, folding, evaluation; no word of resistance."""

"""Chips computed by what their flips change: which way each layer goes, and how."""

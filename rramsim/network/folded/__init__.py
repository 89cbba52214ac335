"""What does a chip hold of a trained network: signs and integer thresholds."""

"""Where the bits of a layer live, and which of them go wrong."""

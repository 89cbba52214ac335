"""Arrays in, arrays out: fits, intervals and tests that know nothing of cells."""

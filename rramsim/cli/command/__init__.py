"""What do all commands have in common: how they are run, and how their help looks."""

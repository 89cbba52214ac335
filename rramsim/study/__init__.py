"""The study: its file, its output folder, and the order in which its stages run."""

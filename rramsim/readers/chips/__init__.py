"""What was a chip programmed with, and what was read from its cells?"""

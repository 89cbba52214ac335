"""Which programming condition is a reading of, and how is it named?"""

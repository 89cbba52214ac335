"""Which programming condition is good enough for a network, and what does it cost?"""

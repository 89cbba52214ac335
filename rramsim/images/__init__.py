"""Which images is a network trained and tested on?"""

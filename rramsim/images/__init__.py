"""Image sets: which images is a network trained and tested on?"""

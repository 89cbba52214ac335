"""How many test images does a network with wrong weights still get right?"""

"""How accurate is a network over many chips, and how well is that known?"""

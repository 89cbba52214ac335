"""How do stored results look as figures?"""

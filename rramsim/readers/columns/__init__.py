"""What does a column hold: which quantity, in which unit, beyond which limit?"""

"""How is a network programmed into a chip, and how good is the chip that was made?"""

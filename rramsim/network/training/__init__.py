"""How is a network trained, plainly or with bit errors?"""

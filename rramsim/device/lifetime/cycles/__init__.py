"""What do programming cycles do to the cells?"""

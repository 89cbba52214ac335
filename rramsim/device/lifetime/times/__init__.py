"""What do time and temperature do to the cells?"""

"""What do cycles, time and temperature do to the cells?"""

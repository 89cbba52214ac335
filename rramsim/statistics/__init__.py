"""What do samples say of a distribution: fits, intervals, tests on plain arrays?"""

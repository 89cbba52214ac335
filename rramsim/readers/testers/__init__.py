"""What do the files of each tester look like?"""

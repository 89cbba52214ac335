"""In which order do the stages run, with which settings, and where do results lie?"""

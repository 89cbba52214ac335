"""How is a file of some format turned into tables of texts?"""

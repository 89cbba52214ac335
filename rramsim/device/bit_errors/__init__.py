"""How often is a cell read wrong?"""

"""How are results presented: terminal, HTML page, JSON, CSV?"""

"""How are results told: terminal, HTML page, JSON, CSV?"""

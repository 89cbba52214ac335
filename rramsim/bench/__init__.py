"""How fast are chips scored, compared with what a user would write?"""

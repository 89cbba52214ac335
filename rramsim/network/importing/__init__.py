"""How does a user's own torch module become a folded network?"""

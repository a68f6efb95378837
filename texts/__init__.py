"""Anybody's tables of text: one reader under all that read them, and one behaviour for damage."""

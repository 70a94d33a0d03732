"""Measures Recourse against other implementations on the same tables."""

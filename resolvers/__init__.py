"""How each field is answered, and whether it may be."""

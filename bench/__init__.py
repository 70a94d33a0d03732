"""Recourse measured against others on the same tables. Nothing imports it; it starts servers with what tests use."""

"""Recourse measured against others on the same tables. Nothing imports it; it builds on what tests use to run servers."""

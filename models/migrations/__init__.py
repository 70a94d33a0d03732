"""The schema's history: one set of migrations for SQLite and PostgreSQL."""

"""Tortoise's database clients with their hazards mended. Each mend has a test in tests/test_transactions.py or
tests/test_database.py."""

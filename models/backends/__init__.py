"""Tortoise's database clients with their hazards mended. Each mend has a test in tests/storage/test_transactions.py or
tests/storage/test_database.py."""

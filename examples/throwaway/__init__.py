"""Certificates and a PostgreSQL that exist for the length of a `with` block, for the examples and the tests."""

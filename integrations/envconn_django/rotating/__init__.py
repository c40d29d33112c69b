"""The ENGINE of a PostgreSQL whose password may change while the process runs."""

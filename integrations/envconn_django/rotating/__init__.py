"""The ENGINE for PostgreSQL with a password that may change while the process runs."""

"""Django's backend for PostgreSQL, which connects with the current environment."""

from django.db.backends.postgresql import base

from envconn_django.rotating import Backend


class DatabaseWrapper(Backend, base.DatabaseWrapper):
    """Opens connections through `envconn.rotation.login`."""

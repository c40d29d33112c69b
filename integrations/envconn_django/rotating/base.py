"""Django's backend for PostgreSQL, which finds its connections in the environment of the moment."""

from django.db.backends.postgresql import base

from envconn_django.rotation import Backend


class DatabaseWrapper(Backend, base.DatabaseWrapper):
    """Opens connections through `envconn.rotation.login`."""

"""Django's backend for PostgreSQL, which finds its connections in the environment of the moment."""

from django.db.backends.postgresql import base

from envconn_django.rotating.following import Following

__all__ = ["DatabaseWrapper"]


class DatabaseWrapper(Following, base.DatabaseWrapper):
    """Opens connections through `envconn.login`."""

"""Django's backend for PostGIS, which connects with the current environment."""

from django.contrib.gis.db.backends.postgis import base

from envconn_django.rotating import Backend


class DatabaseWrapper(Backend, base.DatabaseWrapper):
    """Opens connections through `envconn.rotation.login`."""

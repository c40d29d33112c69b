"""Django's backend for PostGIS, which finds its connections in the environment of the moment."""

from django.contrib.gis.db.backends.postgis import base

from envconn_django.rotation import Backend


class DatabaseWrapper(Backend, base.DatabaseWrapper):
    """Opens connections through `envconn.rotation.login`."""

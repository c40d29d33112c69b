"""The error that Django expects of settings: its commands that need none go on, and print the text."""

from django.core.exceptions import ImproperlyConfigured

from envconn import ConfigurationError

__all__ = ["ImproperEnvironment"]


class ImproperEnvironment(ConfigurationError, ImproperlyConfigured):
    """A `ConfigurationError` that Django takes for its own."""

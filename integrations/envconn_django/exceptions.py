"""The exception for a wrong environment, and the filter for Django's exception reports."""

from django.core.exceptions import ImproperlyConfigured
from django.views import debug

from envconn.drivers import holds_credentials
from envconn.errors import ConfigurationError
from envconn.selection.variables import is_read


class ImproperEnvironment(ConfigurationError, ImproperlyConfigured):
    """A `ConfigurationError` that Django handles as its own: commands that need no settings continue, and print it."""


class SafeExceptionReporterFilter(debug.SafeExceptionReporterFilter):
    """Django's filter, which also hides the variables that envconn reads, and every URL with credentials."""

    def cleanse_setting(self, key: str, value: object) -> object:
        """Return `value`, or asterisks if `key` or the text itself shows that it is a secret."""
        secret = holds_credentials(value) or is_read(str(key))
        return self.cleansed_substitute if secret else super().cleanse_setting(key, value)

    def get_traceback_frame_variables(self, request: object, tb_frame: object) -> list[tuple[str, object]]:
        """Return the variables of a frame, with the same texts hidden."""
        found = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, value) if isinstance(value, str) else value) for name, value in found]

"""A filter for Django's error reports that knows which variables hold credentials, and a URL with some by its looks."""

from __future__ import annotations

import re

from django.views import debug

import envconn

__all__ = ["SafeExceptionReporterFilter"]

_CREDENTIALS = re.compile(r"://\S*@|\bpassword\s*=", re.IGNORECASE)


class SafeExceptionReporterFilter(debug.SafeExceptionReporterFilter):
    """Django's filter, which also hides the variables that envconn reads, and every URL with credentials."""

    def cleanse_setting(self, key: str, value: object) -> object:
        """Return `value`, or asterisks for what `key` or its own text gives away as a secret."""
        credentials = isinstance(value, str) and _CREDENTIALS.search(value)
        hidden = credentials or envconn.is_read(str(key))
        return self.cleansed_substitute if hidden else super().cleanse_setting(key, value)

    def get_traceback_frame_variables(self, request: object, tb_frame: object) -> list[tuple[str, object]]:
        """Return the variables of a frame, the same texts hidden."""
        found = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, value) if isinstance(value, str) else value) for name, value in found]

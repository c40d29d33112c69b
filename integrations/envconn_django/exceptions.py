"""The exception for a wrong environment, and the filter for Django's exception reports."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils import autoreload
from django.views import debug

from envconn.drivers import holds_credentials
from envconn.errors import ConfigurationError
from envconn.selection.variables import is_read
from envconn_django.aliases import files_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import NoReturn

    from envconn.errors import Finding


class ImproperEnvironment(ConfigurationError, ImproperlyConfigured):
    """A `ConfigurationError` that Django handles as its own: commands that need no settings continue, and print it."""


def stop(problems: Iterable[Finding]) -> NoReturn:
    """Raise an `ImproperEnvironment`; a process that it ends prints the problems alone, and has envconn's exit code.

    Django catches an `ImproperlyConfigured` in a few commands only; everywhere else there would be a traceback.
    Under ``runserver``, after a file has changed, the problems are printed, and the next change of one, or of an env
    file, starts it again.

    Raises:
        ImproperEnvironment: always, but there.
    """
    found = tuple(problems)
    if os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true":
        sys.stderr.write(f"{ImproperEnvironment(found)}\n")
        _wait_for_a_change()
    if getattr(sys.excepthook, "func", None) is not _end:
        sys.excepthook = partial(_end, sys.excepthook)
    raise ImproperEnvironment(found)


def _wait_for_a_change() -> NoReturn:
    """End as Django's reloader does when a file has changed, so that the program is started again."""
    reloader = autoreload.StatReloader()
    reloader.extra_files.update(map(Path, files_read))
    before = {*reloader.snapshot_files()}
    try:
        while {*reloader.snapshot_files()} == before:
            time.sleep(reloader.SLEEP_TIME)
    except KeyboardInterrupt:
        sys.exit(0)
    sys.exit(_CHANGED)


_CHANGED = 3
"""The exit code of a process that ``runserver`` starts again (django/utils/autoreload.py, trigger_reload)."""


def _end(
    previous: Callable[..., object], kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if isinstance(error, ImproperEnvironment) and not hasattr(sys, "ps1"):  # which an interactive interpreter has
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    previous(kind, error, trace)


class SafeExceptionReporterFilter(debug.SafeExceptionReporterFilter):
    """Django's filter, which also hides the variables that envconn reads, and every URL with credentials."""

    def cleanse_setting(self, key: str, value: object) -> object:
        """Return `value`, or asterisks if `key` or the text itself shows that it is a secret."""
        secret = holds_credentials(value) or is_read(str(key))
        return self.cleansed_substitute if secret else super().cleanse_setting(key, value)

    def get_traceback_frame_variables(self, request: object, tb_frame: object) -> list[tuple[str, object]]:
        """Return the variables of a frame with the same texts hidden, and what dictionaries hold under such names."""
        found = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self._cleansed(name, value, 0)) for name, value in found]

    def _cleansed(self, key: object, value: object, depth: int) -> object:
        """Return `value` with everything hidden that a secret name, or the text itself, shows to be one."""
        if isinstance(value, str):
            return self.cleanse_setting(str(key), value)
        if not isinstance(value, (dict, list, tuple, set, frozenset)):
            return value
        if depth == _DEPTH:
            return self.cleansed_substitute
        if isinstance(value, dict):
            return {name: self._cleansed(name, each, depth + 1) for name, each in value.items()}
        return [self._cleansed("", each, depth + 1) for each in value]


_DEPTH = 8
"""How deep containers are searched and shown: one may contain itself."""

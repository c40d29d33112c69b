"""System checks. Their ids are ``envconn.`` and the code of the finding; ``SILENCED_SYSTEM_CHECKS`` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core import checks
from django.views.debug import get_default_exception_reporter_filter

from envconn.drivers.django import findings
from envconn_django import handed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["connections", "debug_filter", "deployed_connections"]


def connections(**_: object) -> Iterable[checks.CheckMessage]:
    """Say what is wrong with the databases wherever the program runs."""
    return list(_messages(deploy=False))


def deployed_connections(**_: object) -> Iterable[checks.CheckMessage]:
    """Say what is not as strong as it could be where the program is deployed."""
    return list(_messages(deploy=True))


def debug_filter(**_: object) -> Iterable[checks.CheckMessage]:
    """With DEBUG, say whether error pages show the variables that hold credentials."""
    shown = get_default_exception_reporter_filter().cleanse_setting("DATABASE_URL", _PROBE)
    return [_FILTER] if settings.DEBUG and "probe" in str(shown) else []


_PROBE = "postgresql://app:probe@db.example.com/app"
_FILTER = checks.Warning(
    "DEBUG is on, and error pages show connection URLs with their passwords",
    hint='DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"',
    id="envconn.filter-missing",
)


def _messages(*, deploy: bool) -> Iterator[checks.CheckMessage]:
    for alias, entry in settings.DATABASES.items():
        found = findings(alias, handed, entry) if alias in handed else ()
        for finding in found:
            if finding.deploy is deploy:
                kind = checks.Error if finding.wrong else checks.Warning
                yield kind(finding.message, hint=finding.hint, obj=alias, id=f"envconn.{finding.code}")

"""The Django application: its system checks.

Their ids are ``envconn.`` and the code of the finding; ``SILENCED_SYSTEM_CHECKS`` takes them.
"""

from __future__ import annotations

from functools import partial

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.views.debug import get_default_exception_reporter_filter

from envconn.drivers import django
from envconn_django import handed

__all__ = ["EnvconnConfig"]


class EnvconnConfig(AppConfig):
    """Registers the checks, those for deployment apart."""

    name = "envconn_django"
    verbose_name = "Connections from the environment"

    def ready(self) -> None:
        """Register them."""
        for deploy in (False, True):
            checks.register(partial(_messages, wanted=deploy), checks.Tags.security, deploy=deploy)


def _messages(*, wanted: bool, **_: object) -> list[checks.CheckMessage]:
    shown = get_default_exception_reporter_filter().cleanse_setting("DATABASE_URL", django.PROBE)
    page = str(shown) if settings.DEBUG else ""
    return [
        (checks.Error if each.wrong else checks.Warning)(each.message, each.hint, alias, f"envconn.{each.code}")
        for alias, each in django.told(handed, settings.DATABASES, page)
        if each.deploy is wanted
    ]

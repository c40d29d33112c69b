"""The Django application, which brings the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register

from envconn_django import checks

__all__ = ["EnvconnConfig"]


class EnvconnConfig(AppConfig):
    """Registers the checks of `envconn_django.checks`."""

    name = "envconn_django"
    verbose_name = "Connections from the environment"

    def ready(self) -> None:
        """Register them, those for deployment apart."""
        register(checks.connections, Tags.security)
        register(checks.deployed_connections, Tags.security, deploy=True)
        register(checks.debug_filter, Tags.security)

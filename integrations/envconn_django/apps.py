"""The Django application: its system checks.

Their ids are ``envconn.`` and the code of the finding, as for ``SILENCED_SYSTEM_CHECKS``.
"""

from __future__ import annotations

from functools import partial

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.views.debug import get_default_exception_reporter_filter

from envconn.records import Record
from envconn.tls import TlsLevel
from envconn.tls.secured import advice
from envconn_django.aliases import last_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envconn_django.aliases import Entry


class EnvconnConfig(AppConfig):
    """Registers the checks, those for deployment separately."""

    name = "envconn_django"
    verbose_name = "Connections from the environment"

    def ready(self) -> None:
        """Register the checks."""
        for deploy in (False, True):
            checks.register(partial(_messages, wanted=deploy), checks.Tags.security, deploy=deploy)


def _messages(*, wanted: bool, **_: object) -> list[checks.CheckMessage]:
    shown = get_default_exception_reporter_filter().cleanse_setting("DATABASE_URL", PROBE)
    page = str(shown) if settings.DEBUG else ""
    return [
        (checks.Error if each.wrong else checks.Warning)(each.message, each.hint, alias, f"envconn.{each.code}")
        for alias, each in entry_findings(last_entries, settings.DATABASES, page)
        if each.deploy is wanted
    ]


PROBE = "postgresql://app:probe@db.example.com/app"
"""A connection string that no error page may show."""


class Finding(Record):
    """One finding. `code` is stable; `deploy` is true if it only matters in a deployment."""

    code: str
    message: str
    hint: str
    deploy: bool = False
    wrong: bool = False


def entry_findings(
    made: Mapping[str, Entry], now: Mapping[str, Mapping[str, object]], page: str
) -> Iterator[tuple[str | None, Finding]]:
    """Yield alias and finding for every entry that was `made`; `now` is the current ``DATABASES``.

    `page` is what an error page shows for `PROBE`, empty if it shows nothing.
    """
    for alias in now:
        if alias in made:
            yield from ((alias, finding) for finding in findings(alias, made, now[alias]))
    if "probe" in page:
        yield None, _FILTER


def findings(alias: str, made: Mapping[str, Entry], now: Mapping[str, object]) -> Iterator[Finding]:
    """Yield the findings for `alias`; `made` are the entries that were returned, `now` is its current entry."""
    connection = made[alias].connection
    options = now.get("OPTIONS")
    options = options if isinstance(options, dict) else {}
    has_direct = any(other.mirrors == alias and other.connection.pooled is False for other in made.values())
    transaction = connection.pool_mode == "transaction"
    unverified = connection.tls.level < TlsLevel.VERIFY_FULL and not connection.tls.local
    conditions = {
        _CHANGED: _deciding(now, options) != _deciding(made[alias].settings, made[alias].settings["OPTIONS"]),
        _TWO_POOLS: transaction and bool(options.get("pool")),
        _MIGRATE: transaction and made[alias].mirrors is None and not has_direct,
        _WAIVED: connection.tls.waived is not None and connection.tls.level < TlsLevel.ENCRYPTED,
        _UNVERIFIED: connection.tls.level >= TlsLevel.ENCRYPTED and unverified,
        _ROLE: any(note.code == "default-role" for note in advice(connection)),
    }
    for finding, is_so in conditions.items():
        if is_so:
            words = {"variable": connection.origin.variable, "level": connection.tls.level}
            yield finding._replace(message=finding.message.format_map(words))


def _deciding(entry: Mapping[str, object], options: Mapping[str, object]) -> dict[str, object]:
    """Return the part of an entry that affects the server or security."""
    chosen = {name: value for name, value in options.items() if name.startswith(_DECIDES)}
    return chosen | {name: entry.get(name, "") for name in ("ENGINE", "HOST", "PORT", "USER")}


_DECIDES = ("ssl", "gss", "host", "channel_binding", "require_auth", "service")

_CHANGED = Finding(
    "settings-changed",
    "{variable}: the entry was changed after databases() made it, in a key that decides about the server or TLS",
    "Set it in the environment, where it is checked.",
    wrong=True,
)
_TWO_POOLS = Finding(
    "pool-behind-pooler",
    "{variable}: uses a pooler in transaction mode, and OPTIONS has a second pool",
    "Remove one of the two.",
)
_MIGRATE = Finding(
    "migrate-pooled",
    "{variable}: uses a pooler in transaction mode, and no direct alias for migrations is configured",
    "Set DIRECT_URL, and run migrate --database=direct.",
)
_WAIVED = Finding(
    "tls-waived",
    "{variable}: may be unencrypted, because of ENVCONN_TLS_WAIVE",
    "Use TLS, and remove the host from ENVCONN_TLS_WAIVE.",
    deploy=True,
)
_UNVERIFIED = Finding(
    "tls-unverified",
    "{variable}: TLS is {level}, which does not verify the server",
    "Use sslmode=verify-full with a CA, or set ENVCONN_TLS=best.",
    deploy=True,
)
_ROLE = Finding(
    "default-role",
    "{variable}: uses the provider's default role, which has nearly every permission",
    "Create a role for the application.",
    deploy=True,
)
_FILTER = Finding(
    "filter-missing",
    "DEBUG is on, and error pages show connection URLs with their passwords",
    'DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"',
)

"""The Django application: its system checks.

Their ids are ``envconn.`` and the code of the finding, as for ``SILENCED_SYSTEM_CHECKS``.
"""

from __future__ import annotations

from functools import partial

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import router

from envconn.connection import PROGRAM_DEFAULT
from envconn.records import Record
from envconn.tls import TlsLevel
from envconn.tls.secured import advice, stated_endpoint
from envconn_django.aliases import last_refused, made_entries
from envconn_django.final_settings import final_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envconn.errors import Finding as Problem
    from envconn.tls import SecuredConnection
    from envconn_django.final_settings import FinalEntry


class EnvconnConfig(AppConfig):
    """Judges the final ``DATABASES``, and registers the checks, those for deployment separately."""

    name = "envconn_django"
    verbose_name = "Connections from the environment"

    def ready(self) -> None:
        """Register the checks, and stop every process, WSGI, ASGI and workers included, if a check would fail.

        Raises:
            ImproperEnvironment: an entry of ``DATABASES`` is not secured as the policy requires.
        """
        for deploy in (False, True):
            checks.register(partial(_messages, wanted=deploy), checks.Tags.security, deploy=deploy)
        if problems := [each for entry in final_entries(settings.DATABASES) for each in entry.problems]:
            from envconn_django.exceptions import stop

            stop(problems)
        if settings.DATABASE_ROUTERS:
            # A router that pins reads to the primary has to be there before the first connection.
            _ = router.routers


def _messages(*, wanted: bool, **_: object) -> list[checks.CheckMessage]:
    # Not at the top: the views are a tenth of what starting Django takes, and no page is needed yet.
    from django.views.debug import get_default_exception_reporter_filter

    shown = get_default_exception_reporter_filter().cleanse_setting("DATABASE_URL", PROBE)
    page = str(shown) if settings.DEBUG else ""
    entries = final_entries(settings.DATABASES)
    # Other applications may have changed an entry after this one was ready.
    wrong = [(entry.alias, each) for entry in entries for each in entry.problems if not wanted]
    return [
        *(checks.Error(str(each), obj=alias, id=f"envconn.{each.code}") for alias, each in wrong),
        *(
            (checks.Error if each.error else checks.Warning)(each.message, each.hint, alias, f"envconn.{each.code}")
            for alias, each in entry_findings(entries, page)
            if each.deploy is wanted
        ),
        *(() if wanted else _refused(last_refused)),
        *(() if wanted else _hardcoded(entries)),
    ]


def _hardcoded(entries: Sequence[FinalEntry]) -> list[checks.CheckMessage]:
    """Return a warning for each entry with credentials that did not come from the environment, but on this machine."""
    from envconn.hardcoded import MESSAGE, REMEDY, may_be_hardcoded
    from envconn_django.cache import made_caches
    from envconn_django.hardcoded import hardcoded

    judged = [(each, each.connection.tls) for each in entries if each.connection]
    remote = {each.alias: each.settings for each, verdict in judged if not may_be_hardcoded(verdict)}
    made = [entry.settings for made in made_entries.values() for entry in made]
    module = str(getattr(settings, "SETTINGS_MODULE", ""))
    found = [*hardcoded(remote, "DATABASES", made, module), *hardcoded(settings.CACHES, "CACHES", made_caches, module)]
    finding = Finding("credentials-in-settings", f"{{}}: {MESSAGE}", f"{REMEDY}.")
    return [
        checks.Warning(finding.message.format(each.place, each.line), finding.hint, id=f"envconn.{finding.code}")
        for each in found
    ]


def _refused(refused: Mapping[str, tuple[Problem, ...]]) -> list[checks.CheckMessage]:
    """Return a warning for each problem of a service that no database needs."""
    found = {problem: name for name, problems in refused.items() for problem in problems}
    return [checks.Warning(str(problem), None, name, f"envconn.{problem.code}") for problem, name in found.items()]


PROBE = "postgresql://app:probe@db.example.com/app"
"""A connection string that no error page may show."""


class Finding(Record):
    """One finding. `code` is stable; `deploy` is true if it only matters in a deployment, `error` if it must not be."""

    code: str
    message: str
    hint: str
    deploy: bool = False
    error: bool = False


def entry_findings(entries: Sequence[FinalEntry], page: str) -> Iterator[tuple[str | None, Finding]]:
    """Yield alias and finding for every one of the `entries` of ``DATABASES``.

    `page` is what an error page shows for `PROBE`, empty if it shows nothing.
    """
    for entry in entries:
        if entry.connection:
            yield from ((entry.alias, finding) for finding in findings(entry, entry.connection))
        if entry.waived:
            yield entry.alias, _UNJUDGED._replace(message=_UNJUDGED.message.format(entry.waived))
    if "probe" in page:
        yield None, _FILTER


def findings(entry: FinalEntry, connection: SecuredConnection) -> Iterator[Finding]:
    """Yield the findings for `entry` and its `connection`."""
    options = entry.settings.get("OPTIONS")
    transaction = connection.pool_mode == "transaction"
    unverified = connection.tls.level < TlsLevel.VERIFY_FULL and not connection.tls.local
    conditions = {
        _TWO_POOLS: transaction and isinstance(options, dict) and bool(options.get("pool")),
        _MIGRATE: transaction and not _mirrors(entry) and not _has_choice(connection),
        _WAIVED: connection.tls.waived is not None and connection.tls.level < TlsLevel.ENCRYPTED,
        _UNVERIFIED: connection.tls.level >= TlsLevel.ENCRYPTED and unverified,
        _DEFAULT: connection.origin.variable == PROGRAM_DEFAULT,
        _ROLE: any(note.code == "default-role" for note in advice(connection)),
    }
    for finding, is_so in conditions.items():
        if is_so:
            words = {"variable": connection.origin.variable, "level": connection.tls.level}
            yield finding._replace(message=finding.message.format_map(words))
    yield from _difference(connection)


def _difference(connection: SecuredConnection) -> Iterator[Finding]:
    """Yield why ``migrate`` and ``test`` stop with an error: the endpoint that they would use differs otherwise."""
    from envconn.migration_endpoint import difference, direct_by_itself

    other = direct_by_itself(connection)
    if other and (message := difference(connection, other)):
        yield _DIFFERS._replace(message=_DIFFERS.message.format(other.origin.variable, message))


def _mirrors(entry: FinalEntry) -> object:
    """Return the alias of which `entry` is another endpoint, or nothing."""
    test = entry.settings.get("TEST")
    return test.get("MIRROR") if isinstance(test, dict) else None


def _has_choice(connection: SecuredConnection) -> bool:
    """Whether ``ENVCONN_ENDPOINT`` is set, or ``migrate`` uses the direct endpoint by itself."""
    from envconn.migration_endpoint import direct_by_itself

    return bool(stated_endpoint(connection)) or direct_by_itself(connection) is not None


_TWO_POOLS = Finding(
    "pool-behind-pooler",
    "{variable}: uses a pooler in transaction mode, and OPTIONS has a second pool",
    "Remove one of the two.",
)
_MIGRATE = Finding(
    "migrate-pooled",
    "{variable}: uses a pooler in transaction mode, and migrate does not know the direct endpoint",
    "Set DIRECT_URL to an endpoint without that pooler, or run envconn exec --direct -- python manage.py migrate.",
)
_DIFFERS = Finding("endpoint-differs", "{}: {}", "Until then, migrate and test stop with an error.")
_WAIVED = Finding(
    "tls-waived",
    "{variable}: may be unencrypted, because of ENVCONN_TLS_WAIVE",
    "Use TLS, and remove the host from ENVCONN_TLS_WAIVE.",
    deploy=True,
)
_UNJUDGED = Finding(
    "tls-waived",
    "is not judged, because ENVCONN_TLS_WAIVE has {}",
    "Check that the connection uses TLS.",
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
_DEFAULT = Finding(
    "database-default",
    "DATABASE_URL: not set, so the default of databases() is used",
    "Set DATABASE_URL.",
    deploy=True,
    error=True,
)
_FILTER = Finding(
    "filter-missing",
    "DEBUG is on, and error pages show connection URLs with their passwords",
    'DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"',
)

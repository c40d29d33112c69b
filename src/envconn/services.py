"""The public functions: `load`, `parse`, `secure`, `database`; and the mapping that `load` returns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType

from envconn import grammar, sources
from envconn.connection import Connection, Origin, Secret
from envconn.errors import ConfigurationError, ImportedLate, ServiceMissing, problem
from envconn.families import VARIABLES
from envconn.grammar.libpq_keywords import KEYWORDS
from envconn.records import replace
from envconn.rotation.reload import CurrentSelection, reader
from envconn.selection import in_process, process_context
from envconn.selection.databases import DATABASE, DATABASES
from envconn.sources import DOTENV
from envconn.tls import Context, Policy, SecuredConnection, judge
from envconn.tls.policy import covered_scheme
from envconn.tls.secured import demanded, judgement_of, place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import NoReturn, TypeAlias

    from envconn.errors import Finding
    from envconn.report import Report
    from envconn.rotation.passwords import Supplier
    from envconn.rotation.reload import Changes
    from envconn.selection import Selection
    from envconn.sources import Dotenv


class Services(Mapping[str, SecuredConnection]):
    """The checked connections of one process, by name. Made by `load`; `reload` loads the configuration again.

    `read` reads the same environment again for that; `None` if the services were not read from one.
    """

    __slots__ = ("_current",)

    def __init__(self, selection: Selection, read: Callable[[], Selection] | None = None) -> None:
        self._current = CurrentSelection(selection, read)

    @property
    def _services(self) -> Mapping[str, SecuredConnection]:
        return self._current.selection.services

    def __getitem__(self, name: str) -> SecuredConnection:
        if found := self._services.get(name):
            return found
        raise missing(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self._services

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)

    def is_stated(self, name: str) -> bool:
        """Return whether the environment has a variable for the service `name`, even one that cannot be used."""
        report = self.report()
        return name in self or name in report.refused or _foreign(name, report.notes) is not None

    def __copy__(self) -> Services:
        return self

    def __deepcopy__(self, memo: object) -> Services:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("Services are never pickled. Call envconn.load() in the other process")

    def __repr__(self) -> str:
        return f"<Services: {', '.join(self) or 'none'}>"

    @property
    def database(self) -> SecuredConnection:
        """The default database.

        Raises:
            ServiceMissing: it is not configured (only other services, or ``ENVCONN_PHASE=build``).
        """
        return self[DATABASE]

    @property
    def databases(self) -> Mapping[str, SecuredConnection]:
        """The databases by name, without brokers and caches."""
        return MappingProxyType({name: service for name, service in self.items() if service.family in DATABASES})

    @property
    def broker(self) -> SecuredConnection:
        """The message broker. Use ``services.get("broker")`` if it may be missing.

        Raises:
            ServiceMissing: it is not configured.
        """
        return self["broker"]

    @property
    def results(self) -> SecuredConnection:
        """The store for the results of tasks. Use ``services.get("results")`` if it may be missing.

        Raises:
            ServiceMissing: it is not configured.
        """
        return self["results"]

    @property
    def cache(self) -> SecuredConnection:
        """The cache. Use ``services.get("cache")`` if it may be missing.

        Raises:
            ServiceMissing: it is not configured.
        """
        return self["cache"]

    def connection(
        self,
        name: str = DATABASE,
        *,
        pooled: bool | None = None,
        replica: bool | None = None,
        branch: str | None = None,
    ) -> SecuredConnection:
        """Return the endpoint of service `name` with these properties; `None` means any.

        `pooled` is whether it leads through a pooler, `replica` whether it is a replica (`None`: as the service
        itself), `branch` the name of its branch.

        Raises:
            EndpointUnavailable: no variable names such an endpoint and it cannot be derived; the text says why.
            ServiceMissing: the service is not configured.
        """
        return self[name].endpoint(pooled=pooled, replica=replica, branch=branch)

    def reload(self) -> Changes:
        """Load the configuration again from the same variables and files, use it from now on, and return what changed.

        Views and factories of these services follow; open connections stay open. Any thread may call this;
        concurrent calls share one reading.

        Raises:
            ConfigurationError: the environment is wrong now; the previous services stay in use.
            TypeError: the services were not read from variables and files alone (`envconn.Settings`).
        """
        from envconn.rotation.reload import changes

        current = self._current
        before, found = current.selection, current.reread(time.monotonic())
        if problems := found.selection.report.problems:
            raise ConfigurationError(problems)
        # Another thread may have it in use by now, which changed it all the same.
        return current.adopt(found) or changes(before.services, found.selection.services)

    def report(self) -> Report:
        """Return the report: what was found, chosen, ignored, raised and waived. It contains no secret."""
        return self._current.selection.report


def _foreign(name: str, notes: Sequence[Finding]) -> Finding | None:
    if not notes:
        return None
    from envconn.selection import other_products

    return other_products.about(name, notes)


def missing(services: Services, name: str) -> ConfigurationError:
    """Return the error that says why `services` have no service called `name`."""
    report = services.report()
    if refused := report.refused.get(name):
        return ConfigurationError(refused.problems)
    return ServiceMissing([_finding(name, report.notes)])


def _finding(name: str, notes: Sequence[Finding]) -> Finding:
    if found := _foreign(name, notes):
        return found
    if name == DATABASE:
        message = (
            "not set. Set it to the connection string of your database, or set ENVCONN_DATABASE_VARIABLE to its "
            "variable"
        )
        return problem("database-missing", VARIABLES[DATABASE], message)
    if variable := VARIABLES.get(name):
        return problem("service-missing", variable, f"not set. Set it to the URL of the {name}")
    return problem("service-missing", "services", _NO_SERVICE)


_NO_SERVICE = "no service has this name. Set <NAME>_DATABASE_URL to add a database with the name <name>"


def load(
    environ: Mapping[str, str] | None = None,
    *,
    env_file: Dotenv = DOTENV,
    policy: Policy | None = None,
    passwords: Mapping[str, Supplier] | None = None,
) -> Services:
    """Read the environment once, and return its services with their TLS checked.

    `environ` is a mapping of variables, `os.environ` if left out. `env_file` is the path of a file with
    defaults for variables that are not set, or of several, the last of which wins, or
    `None`; the default is read only if it exists. `policy` is what the program
    requires in addition to ``ENVCONN_TLS`` and the other variables of the policy.
    `passwords` holds callables by the name of the service whose password they supply, such as a token
    that expires: each is called with the connection for every login, and returns a text.

    Raises:
        ConfigurationError: anything is wrong; it lists every problem.
        TypeError, ValueError: an argument is not what it must be.
    """
    if not _is(environ, Mapping, type(None)):
        del environ
        raise TypeError("environ must be a mapping of names to texts, such as os.environ")
    read = reader(environ, env_file, policy, passwords)
    # The frame of this function is part of the traceback, and some tools print its variables.
    del environ
    selection = read()
    if selection.report.problems:
        raise ConfigurationError(selection.report.problems)
    return Services(selection, read)


def _is(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds)


def parse(text: str, variable: str | None = None) -> Connection:
    """Return the connection that `text`, a connection string, describes, without a TLS check.

    What a PostgreSQL text leaves out of host, user and database name is empty, and a port that it leaves out with the
    host is 0; `load` and `secure` use libpq's defaults for them. `variable` is what messages call the text,
    "connection string" if left out.

    Raises:
        ConfigurationError: the text is invalid, or parsers disagree about its meaning.
        TypeError: an argument is not a `str`.
    """
    wrong = {"text": not _is(text, str), "variable": not _is(variable, str, type(None))}
    if any(wrong.values()):
        del text, variable
        raise TypeError(f"{max(wrong, key=wrong.__getitem__)} must be of type str")
    outcome = grammar.read(Secret(text), Origin(variable or "connection string"))
    del text
    if isinstance(outcome, Connection):
        return outcome
    raise ConfigurationError(outcome)


def secure(source: Connection | str, policy: Policy | None = None) -> SecuredConnection:
    """Check the TLS of a connection or a connection string, and return what integrations accept.

    It is judged by the policy of the process, as `load` reads it for all services, combined with `policy`:
    ``ENVCONN_TLS`` and its like, what libpq's variables demand, and what OpenSSL's would do to it. A variable for one
    service (``ENVCONN_DATABASE_TLS``) does not apply, as the connection is none of them.

    Raises:
        ConfigurationError: it is not secured as the policy requires, or cannot be; or a variable that applies is wrong.
        TypeError: `source` is something else.
    """
    with ImportedLate("connection string"):
        from envconn.grammar import recheck

    connection = parse(source) if isinstance(source, str) else source
    # The frame of this function is part of the traceback, and some tools print its variables.
    del source
    if type(connection) is not Connection or not vars(connection):
        raise TypeError("expected a connection string or the Connection that envconn.parse() returns")
    if altered := recheck.problems(connection):
        raise ConfigurationError(altered)
    connection, context, problems = in_process(connection, policy)
    if problems:
        del connection
        raise ConfigurationError(problems)
    return _sealed(judge(connection, context, DATABASE))


def secure_as_stated(connection: Connection, like: SecuredConnection | None = None) -> SecuredConnection:
    """Check the TLS of a `connection` that its program opens exactly as it says, such as a framework's own settings.

    Unlike `secure`, it cannot be raised: what is below the minimum is an error. It is judged by the policy of
    `like`, or of the process. A CA of the policy does not count, because the program does not hand it to the driver.

    Raises:
        ConfigurationError: it is not secured as the policy requires, or the policy is wrong.
    """
    context = _context(connection) if like is None else judgement_of(like).context
    alone = Context(replace(context.policy, ca=None))
    secured = _sealed(judge(connection, alone, DATABASE))
    if secured.tls.raised:
        message = (
            f"TLS is {secured.tls.requested}, but {secured.tls.level} is the minimum. State it, or remove the entry"
        )
        raise ConfigurationError([problem("tls-below-minimum", connection.origin.variable, message)])
    if weaker := demanded(secured):
        message = f"{weaker[0]} is weaker than {KEYWORDS[weaker[0]].variable} requires. Remove it"
        raise ConfigurationError([problem("tls-below-minimum", connection.origin.variable, message)])
    return secured


def is_waived(scheme: str, like: SecuredConnection | None = None) -> bool:
    """Return whether the policy of `like`, or of the process, waives services of a `scheme` that envconn cannot judge.

    Raises:
        ConfigurationError: the policy is wrong.
    """
    context = process_context() if like is None else judgement_of(like).context
    if not isinstance(context, Context):
        raise ConfigurationError(context)
    return covered_scheme(scheme, context.policy.waive) is not None


def _context(connection: Connection) -> Context:
    _, context, problems = in_process(connection)
    if problems:
        raise ConfigurationError(problems)
    return context


def _sealed(outcome: SecuredConnection | tuple[Finding, ...]) -> SecuredConnection:
    if isinstance(outcome, SecuredConnection):
        return outcome
    raise ConfigurationError(outcome)


class Environment:
    """The type of `DEFAULT`: an integration that is given nothing uses what `load` finds in the process environment."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "envconn.load()"


ENVIRONMENT = Environment()
"""The default of every integration's first argument. `None` is an error: it often is a service that is missing."""

if TYPE_CHECKING:
    Source: TypeAlias = Services | SecuredConnection | Environment
    EnvFile: TypeAlias = Dotenv

ENV_FILE = DOTENV
"""The default of the argument `env_file` of an integration."""


def env_files(env_file: Dotenv) -> list[str]:
    """Return the paths of the files of `env_file`, the argument of `load`, whether they exist or not."""
    return sources.named(env_file)


def resolve(
    source: Source = ENVIRONMENT,
    /,
    needs: Collection[str] | None = None,
    *,
    env_file: Dotenv = DOTENV,
    default: str | None = None,
) -> Services | SecuredConnection:
    """Return `source`, or the services of the environment if it was left out.

    `needs` are the services that the caller uses, ``databases`` for every database; `None` for all. Problems of
    others are raised when these are taken from the result. `env_file` is that of `load`. `default` is the URL of an
    SQLite database that is the default one where nothing in the environment looks like a database.

    Raises:
        ConfigurationError: as for `load`, about what is needed.
        TypeError: `source` is anything else, such as `None` or a `Connection` that was not judged.
    """
    if isinstance(source, (Services, SecuredConnection)):
        return source
    if isinstance(source, Environment):
        return load(env_file=env_file) if needs is None else _load_needed(needs, env_file, default)
    raise TypeError(
        "expected Services or a SecuredConnection. Remove the argument to load the environment, or call "
        "envconn.secure() for a Connection"
    )


def _load_needed(needs: Collection[str], env_file: Dotenv, default: str | None) -> Services:
    whole = reader(None, env_file, None, None)

    def read() -> Selection:
        selection = whole()
        if default is not None:
            from envconn.selection.default_database import with_default

            selection = with_default(selection, default, env_file)
        # All problems at once, if one of them is about what is needed.
        is_stopped = bool(selection.report.about(needs))
        return selection if is_stopped else selection._replace(report=replace(selection.report, problems=()))

    selection = read()
    if selection.report.problems:
        raise ConfigurationError(selection.report.problems)
    return Services(selection, read)


DATABASE_ONLY, EVERY_DATABASE, CACHE_ONLY = ("database",), ("databases",), ("cache",)
"""What an integration may need."""


def database(source: Source = ENVIRONMENT, /) -> SecuredConnection:
    """Return `source` if it is a connection, else the default database of `source`, or of `load()`.

    Raises:
        ConfigurationError, TypeError: as for `resolve`.
    """
    found = resolve(source, DATABASE_ONLY)
    return found.database if isinstance(found, Services) else found


def in_use(connection: SecuredConnection) -> SecuredConnection:
    """Return the current connection in place of `connection` among the services that it was taken from, or itself."""
    place = place_of(connection)
    return (place and place.of(place.current.selection)) or connection


def connections(source: Source = ENVIRONMENT, /) -> tuple[SecuredConnection, ...]:
    """Return `source` if it is a connection, else every service of `source`, or of `load()`.

    Raises:
        ConfigurationError, TypeError: as for `resolve`.
    """
    found = resolve(source)
    return tuple(found.values()) if isinstance(found, Services) else (found,)

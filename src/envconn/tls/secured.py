"""The sealed type: a judged connection.

Integrations accept nothing else. Only `envconn.tls` can make one; making one in any other way is a
`TypeError`, and so is copying the seal into a subclass or a pickle.
"""

from __future__ import annotations

from envconn.connection import Secret
from envconn.errors import EndpointUnavailable, Finding, ImportedLate
from envconn.records import replace
from envconn.tls.judged import Judged
from envconn.tls.levels import TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, NoReturn

    from envconn.connection import Parameters
    from envconn.identity import Identity
    from envconn.tls.ca import CA
    from envconn.tls.judged import Contents, Judgement
    from envconn.tls.policy import Demands

_SEAL: Final = object()


class SecuredConnection(Judged):
    """A judged connection; the only type that drivers and integrations accept.

    Made by `envconn.load` and `envconn.secure`. Immutable; equality is identity.

    Raises:
        TypeError: constructed, subclassed, changed or pickled outside of `envconn.tls`.
    """

    __slots__ = ("_place", "_seal", "_usable_files")

    _seal: object
    _place: Any
    _usable_files: Contents

    def __init__(self, judgement: Judgement, *, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a SecuredConnection cannot be made directly. Call envconn.load() or envconn.secure()")
        object.__setattr__(self, "_judgement", judgement)
        object.__setattr__(self, "_seal", seal)
        object.__setattr__(self, "_place", None)
        object.__setattr__(self, "_usable_files", judgement.files)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("SecuredConnection cannot be subclassed")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("a SecuredConnection cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise TypeError("a SecuredConnection cannot be changed")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecuredConnection is never pickled. Call envconn.load() in the other process")

    def __copy__(self) -> SecuredConnection:
        return self

    def __deepcopy__(self, memo: object) -> SecuredConnection:
        return self

    def __repr__(self) -> str:
        where = ", ".join(map(str, self.hosts)) or self.dbname
        return f"<SecuredConnection {self.name}: {self.family} on {where}, TLS {self.tls.level}>"

    if not TYPE_CHECKING:  # pragma: no branch

        def __getattr__(self, name: str) -> object:
            """Raise what says how a driver gets the connection: some ask for a text's methods, and show this."""
            if name.startswith("_sqla"):  # SQLAlchemy's create_engine, whose own message shows a repr only
                raise TypeError(f"{_NO_TEXT}: envconn_sqlalchemy.create_engine(connection)")
            raise AttributeError(f"'SecuredConnection' object has no attribute {name!r}. {_NO_TEXT}")

    def endpoint(
        self, *, pooled: bool | None = None, replica: bool | None = None, branch: str | None = None
    ) -> SecuredConnection:
        """Return the endpoint of the same database that is pooled, a replica, or on a branch, as requested.

        `pooled` is whether it leads through a pooler, `replica` whether it is a replica, `branch` the name of its
        branch. `None` means any, and for `replica` the same as this one. It is this one if it matches, otherwise one
        that a variable names, otherwise one that the provider's rule derives, which is judged again. If it is unknown
        whether an endpoint is pooled or a replica, it counts as neither, after those that are known to be neither; if
        host or port look like a pooler's, it does not. A pooler in session mode counts as direct if ``DIRECT_URL`` or
        its like names it.

        Raises:
            EndpointUnavailable: there is none; the text says why, and where to get it.
            TypeError: an argument has a wrong type.
        """
        with ImportedLate(self.origin.variable):
            from envconn.tls.endpoints import find

        found = find(self, self._judgement, pooled=pooled, replica=replica, branch=branch)
        if isinstance(found, Finding):
            raise EndpointUnavailable([found])
        if self._place:
            put(found, self._place.then(pooled=pooled, replica=replica, branch=branch))  # type: ignore[arg-type]
        return found  # type: ignore[return-value] # a SecuredConnection is the only Judged there is

    def uri(self, *, libpq: bool = True) -> Secret:
        """Return the connection URI with the judged TLS, for any reader of its family; it contains the password.

        libpq may use the encryption of GSSAPI instead of TLS, which ``gssencmode=disable`` turns off. Other readers of
        PostgreSQL's URIs do not support it, and refuse the parameter: with `libpq` false, it is left out.

        Raises:
            ConfigurationError: the CA came as text, and no file can be written for it; or no file can be opened.
        """
        with ImportedLate(self.origin.variable):
            from envconn.tls.uri_writer import uri

        return Secret(uri(self, libpq=libpq))


_NO_TEXT = (
    "A SecuredConnection is not a connection string. Pass it to an integration, such as "
    "psycopg.connect(**envconn_psycopg.kwargs(connection))"
)


def seal(judgement: Judgement) -> SecuredConnection:
    """Return the sealed connection. Only for `envconn.tls.judge`."""
    return SecuredConnection(judgement, seal=_SEAL)


def judgement_of(connection: SecuredConnection) -> Judgement:
    """Return what `connection` seals. Only for `envconn.tls`."""
    require_sealed(connection)
    return connection._judgement  # noqa: SLF001 - the other half of `seal`


def foreign_parameters(connection: SecuredConnection) -> Parameters:
    """Return the parameters of other tools (``pgbouncer``, ``connection_limit``), which no driver gets."""
    return judgement_of(connection).connection.foreign


def understood(connection: SecuredConnection) -> tuple[str, ...]:
    """Return what host, port, user and variable of `connection` show, one sentence each."""
    return judgement_of(connection).endpoint.because


def advice(connection: SecuredConnection) -> tuple[Finding, ...]:
    """Return notes about settings that are possible but not used, and the provider's notes on this endpoint."""
    from envconn.tls.advice import notes

    return notes(judgement_of(connection))


def judged_by(connection: SecuredConnection) -> Demands:
    """Return what `connection` was judged by, with what is stated for its service alone."""
    return judgement_of(connection).context.policy


def is_exempt(connection: SecuredConnection) -> bool:
    """Whether the policy's floor does not apply: the connection is on this machine, or has a waiver."""
    return judgement_of(connection).exempt


def weaker_parameters(before: SecuredConnection, after: SecuredConnection) -> list[str]:
    """Return the parameters, by libpq's names, by which `after` is weaker than `before`."""
    from envconn.grammar import libpq_keywords

    lower, wider = after.tls.level < before.tls.level, _trusts_more(before.tls.ca, after.tls.ca)
    found = [name for name, is_so in (("sslmode", lower), ("sslrootcert", wider)) if is_so]
    return found + libpq_keywords.weakened(before.parameters, after.parameters)


def _trusts_more(before: CA | None, after: CA | None) -> bool:
    """Whether `after` is every CA of the system, or none at all, instead of those that were named.

    Other certificates are taken: a CA expires and is replaced like a password, in the same file or under another
    name, and neither of two is the stronger one. To write that file is already to decide whom to trust.
    """
    return before is not None and (after is None or before.kind != "system" == after.kind)


def demanded(connection: SecuredConnection) -> tuple[str, ...]:
    """Return the keywords of libpq in which a variable requires more than the text of `connection`."""
    return judgement_of(connection).demanded


def usable_files(connection: SecuredConnection) -> Contents:
    """Return what was in the files of `connection` when they were last found usable."""
    return connection._usable_files  # noqa: SLF001 - one of our own


def accept_files(connection: SecuredConnection, files: Contents) -> None:
    """Store that `files` were found usable for `connection`. Only for `envconn.tls.deciding_files`."""
    object.__setattr__(connection, "_usable_files", files)


def put(connection: SecuredConnection, place: object) -> None:
    """Store the `place` of `connection` among services, unless it has one already. Only for `envconn.rotation`."""
    if connection._place is None:  # noqa: SLF001 - one of our own
        object.__setattr__(connection, "_place", place)


def place_of(connection: SecuredConnection) -> Any:
    """Return the `envconn.rotation.reload.Place` of `connection`, or `None`."""
    return connection._place  # noqa: SLF001 - one of our own


def require_sealed(value: object) -> None:
    """Raise unless `value` is a genuine `SecuredConnection`, also if it was made without the constructor.

    Raises:
        TypeError: it is not.
    """
    # Not isinstance, which trusts a false `__class__`.
    if type(value) is not SecuredConnection or getattr(value, "_seal", None) is not _SEAL:
        raise TypeError("expected the SecuredConnection that envconn.load() or envconn.secure() returns")


def unencrypted_container(connection: SecuredConnection) -> str:
    """Return what to do if the server of `connection` has no TLS and is a container, or nothing."""
    from envconn.tls.policy import is_container

    judgement = judgement_of(connection)
    is_so = judgement.verdict.level >= TlsLevel.ENCRYPTED and any(map(is_container, connection.hosts))
    waiver = judgement.context.policy.waiver(connection.hosts)
    return f"If the server is a container without TLS, {waiver}" if is_so else ""


def direct(connection: SecuredConnection) -> SecuredConnection | None:
    """Return the endpoint for migrations if it is not `connection` itself, otherwise `None`."""
    if not (connection.pooled or connection.replica or connection.siblings):
        return None
    try:
        found = connection.endpoint(pooled=False, replica=False)
    except EndpointUnavailable:
        return None
    return None if found is connection else found


def stated_endpoint(connection: SecuredConnection) -> str:
    """Return what ``ENVCONN_ENDPOINT`` states where `connection` was judged, or nothing."""
    return judgement_of(connection).context.endpoint


def without_password(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` without a password that comes from a callable, for use before the first login."""
    return with_password(connection, None) if has_supplier(connection) else connection


def has_supplier(connection: SecuredConnection) -> bool:
    """Whether a callable of the program supplies the password."""
    return judgement_of(connection).context.supplier is not None


def identity_of(connection: SecuredConnection) -> Identity | None:
    """Return how `connection` logs in without a password, `None` if it has one or needs none."""
    context = judgement_of(connection).context
    return context.identity if context.supplier is not None else None


def with_password(connection: SecuredConnection, password: Secret | None) -> SecuredConnection:
    """Return `connection` with `password`, also if a callable supplied another one."""
    judgement = judgement_of(connection)
    stated = replace(judgement.connection, password=password)
    found = seal(judgement._replace(connection=stated, context=judgement.context._replace(supplier=None)))
    accept_files(found, usable_files(connection))
    return found

"""The sealed type: a connection that was judged.

Integrations accept nothing else. Only `envconn.tls` can make one; making one by any other way is a
`TypeError`, and so is copying the seal into a subclass or a pickle.
"""

from __future__ import annotations

from envconn.connection import Secret
from envconn.errors import EndpointUnavailable, Finding
from envconn.records import replace
from envconn.tls.judged import Judged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, NoReturn

    from envconn.connection import Parameters
    from envconn.tls.judged import Judgement

_SEAL: Final = object()


class SecuredConnection(Judged):
    """A connection that was judged; the only type that drivers and integrations accept.

    Made by `envconn.load` and `envconn.secure`. Immutable; equality is identity.

    Raises:
        TypeError: constructed, subclassed, changed or pickled by anybody else.
    """

    __slots__ = ("_place", "_seal")

    _seal: object
    _place: Any

    def __init__(self, judgement: Judgement, *, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a SecuredConnection cannot be made directly. Call envconn.load() or envconn.secure()")
        object.__setattr__(self, "_judgement", judgement)
        object.__setattr__(self, "_seal", seal)
        object.__setattr__(self, "_place", None)

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
        return (
            f"<SecuredConnection {self.name}: {self.family} on {', '.join(map(str, self.hosts))}, TLS {self.tls.level}>"
        )

    def endpoint(
        self, *, pooled: bool | None = None, replica: bool | None = None, branch: str | None = None
    ) -> SecuredConnection:
        """Return the endpoint of the same database that is pooled, a replica, or on a branch as asked.

        `None` means any, and of `replica` that of this one. It is this one if it fits, else one that a
        variable names, else one that the provider's rule derives, which is judged again. What is not
        visible counts as neither pooled nor a replica, after what is known to be neither.

        Raises:
            EndpointUnavailable: there is none; the text says why, and where to get it.
        """
        from envconn.tls.endpoints import find

        found = find(self, self._judgement, pooled=pooled, replica=replica, branch=branch)
        if isinstance(found, Finding):
            raise EndpointUnavailable([found])
        if self._place:
            put(found, self._place.then(pooled=pooled, replica=replica, branch=branch))  # type: ignore[arg-type]
        return found  # type: ignore[return-value] # a SecuredConnection is the only Judged there is

    def uri(self) -> Secret:
        """Return the connection URI with what was judged, for any reader of its family; the password is in it."""
        from envconn.tls.uri_writer import uri

        return Secret(uri(self))


def seal(judgement: Judgement) -> SecuredConnection:
    """Make the sealed value. For `envconn.tls.judge` alone."""
    return SecuredConnection(judgement, seal=_SEAL)


def judgement_of(connection: SecuredConnection) -> Judgement:
    """Return what `connection` seals. For `envconn.tls` alone."""
    require_sealed(connection)
    return connection._judgement  # noqa: SLF001 - the other half of `seal`


def foreign_parameters(connection: SecuredConnection) -> Parameters:
    """Return the parameters of other tools (``pgbouncer``, ``connection_limit``), which no driver receives."""
    return judgement_of(connection).connection.foreign


def understood(connection: SecuredConnection) -> tuple[str, ...]:
    """Return what is known of `connection` from host, port, user and variable, one sentence each."""
    return judgement_of(connection).endpoint.because


def advice(connection: SecuredConnection) -> tuple[Finding, ...]:
    """Return what could be had and is not, and what the provider says of this endpoint."""
    from envconn.tls.endpoints import advice

    return advice(judgement_of(connection))


def is_exempt(connection: SecuredConnection) -> bool:
    """Whether the policy's floor does not apply: nothing leaves the machine, or clear text is waived."""
    return judgement_of(connection).exempt


def demanded(connection: SecuredConnection) -> tuple[str, ...]:
    """Return the keywords of libpq in which a variable demands more than the text of `connection`."""
    return judgement_of(connection).demanded


def put(connection: SecuredConnection, place: object) -> None:
    """Have `connection` know its `place` among services, unless it stands in one already. For `envconn.rotation`."""
    if connection._place is None:  # noqa: SLF001 - one of our own
        object.__setattr__(connection, "_place", place)


def place_of(connection: SecuredConnection) -> Any:
    """Return the `envconn.rotation.Place` that `connection` was put in, or `None`."""
    return connection._place  # noqa: SLF001 - one of our own


def require_sealed(value: object) -> None:
    """Refuse anything but a genuine `SecuredConnection`, also one that was made behind the constructor's back."""
    # Not isinstance, which believes a `__class__` that lies.
    if type(value) is not SecuredConnection or getattr(value, "_seal", None) is not _SEAL:
        raise TypeError("expected the SecuredConnection that envconn.load() or envconn.secure() returns")


def direct(connection: SecuredConnection) -> SecuredConnection | None:
    """Return the endpoint for migrations that is not `connection` itself, or `None` where there is none."""
    try:
        found = connection.endpoint(pooled=False, replica=False)
    except EndpointUnavailable:
        return None
    return None if found is connection else found


def without_password(connection: SecuredConnection) -> SecuredConnection:
    """Return `connection` without a password that has to be called for: for what is made before the first login."""
    from envconn.tls.password import is_supplied

    return with_password(connection, None) if is_supplied(connection.password) else connection


def with_password(connection: SecuredConnection, password: Secret | None) -> SecuredConnection:
    """Return `connection` with `password`, whoever supplied another one."""
    judgement = judgement_of(connection)
    stated = replace(judgement.connection, password=password)
    return seal(judgement._replace(connection=stated, context=judgement.context._replace(supplier=None)))

"""Logins by the identity that a cloud gives to a process, without a password: ``ENVCONN_AUTH``.

A token of the vendor's own library takes the place of the password. It is made when a login needs one
(`envconn.identity.tokens`), and the connection that it is sent on is verified, or does not leave the machine.
"""

from __future__ import annotations

import re

from envconn.connection import Connection, Host
from envconn.errors import problem
from envconn.families import FAMILIES, MYSQL
from envconn.grammar.hosts import IN_NAMES
from envconn.identity.methods import METHODS, PASSWORD, Target
from envconn.providers import identify
from envconn.records import Value

__all__ = ["METHODS", "PASSWORD", "Identity", "Target", "wrong_host"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Protocol

    from envconn.errors import Finding
    from envconn.identity.methods import Method
    from envconn.identity.tokens import Token
    from envconn.providers import Endpoint

    class Server(Protocol):
        """What a token depends on, of a connection before it is judged or after."""

        @property
        def family(self) -> str:
            """The protocol."""

        @property
        def hosts(self) -> tuple[Host, ...]:
            """Every host."""

        @property
        def user(self) -> str:
            """The user."""

        @property
        def dbname(self) -> str:
            """The database name."""


class Identity(Value):
    """What is stated about the login of a service: `word` in `variable`, and what the connection does not show.

    `host` is the endpoint's own name (``ENVCONN_AUTH_HOST``), with a port or without, `region` its region; each has
    the variable that states it. `trusted` is whether anything of that is from a source above an env file. As the
    supplier of a connection's password, it is called with the connection.
    """

    word: str
    variable: str
    host: str = ""
    host_variable: str = ""
    region: str = ""
    region_variable: str = ""
    trusted: bool = True

    def __call__(self, connection: Server) -> str:
        """Return a token for the login to `connection`, which was judged.

        Raises:
            PasswordUnavailable: there is none; the text says which step failed.
        """
        return self.token(connection).text.reveal()

    def token(self, connection: Server, limit: float | None = None) -> Token:
        """Return the same with the seconds for which it is valid; it is made in at most `limit` seconds.

        Raises:
            PasswordUnavailable: as above.
        """
        from envconn.identity.tokens import LIMIT, token

        return token(self.target(connection), self.variable, LIMIT if limit is None else min(limit, LIMIT))

    @property
    def method(self) -> Method:
        """The method that `word` names."""
        return METHODS[self.word]

    def target(self, connection: Server) -> Target:
        """Return what a token for `connection` is made out to; its region is empty if nothing shows it."""
        host = self._endpoint(connection) or connection.hosts[0]
        region = self._recognised(connection, host) or self.region
        return Target(self.word, connection.family, host.host.lower(), host.port, connection.user, region)

    def _endpoint(self, connection: Server) -> Host | None:
        """Return the endpoint that ``ENVCONN_AUTH_HOST`` names, behind a tunnel or an alias."""
        name, _, port = self.host.lower().partition(":")
        return Host(name, int(port or FAMILIES[connection.family].port)) if name else None

    def _recognised(self, connection: Server, host: Host) -> str:
        """Return the region in the name of `host`, if that is an endpoint of the provider; otherwise nothing."""
        found = _endpoint_of(connection, host)
        is_ours, region = _name(found) == self.method.providers[connection.family], found.region or ""
        return region if is_ours and "-" in region else ""  # and not a code that is not known

    def problems(self, connection: Connection, own: str, *, verified: bool) -> Iterator[Finding]:
        """Yield what speaks against the login to `connection`.

        `own` is the variable that states it for this service alone. `verified` is whether the server is verified, or
        on this machine.
        """
        method = self.method
        names = {
            "auth": f"{self.variable}={self.word}",
            "own": own,
            "endpoint": method.endpoint,
            "user": method.user,
            "verify": FAMILIES[connection.family].verify,
            "host": self.host_variable,
            "region": self.region_variable,
            "place": connection.origin.place,
        }
        for code, message, is_so in self._objections(connection, verified=verified):
            if is_so:
                yield problem(code, connection.origin.variable, message.format(**names))

    def _objections(self, connection: Connection, *, verified: bool) -> Iterator[tuple[str, str, bool]]:
        """Yield codes and messages, and whether each is so."""
        if connection.family not in self.method.providers:
            yield "identity-unsupported", _MYSQL if connection.family == MYSQL else _UNSUPPORTED, True
            return
        parameters = connection.parameters
        yield "password-redirected", _REDIRECTED, connection.origin.env_file and self.trusted
        yield "identity-conflict", _PASSWORD, bool(connection.password)
        yield "identity-conflict", _HOSTS, len(connection.hosts) > 1
        yield "identity-conflict", _BINDING, parameters.get("channel_binding") == "require"
        yield "identity-conflict", _METHOD, _excludes_passwords(parameters.get("require_auth", ""))
        yield "identity-conflict", _USER, re.fullmatch(self.method.users, connection.user) is None
        if _is_misspelt(connection):
            yield "identity-endpoint", _SPELLING, True
            return
        is_known = yield from (self._about_endpoint if self.method.signs else self._about_provider)(connection)
        yield "identity-unverified", _UNVERIFIED, is_known and not verified

    def _about_endpoint(self, connection: Connection) -> Generator[tuple[str, str, bool], None, bool]:
        """Yield the same about the endpoint that is signed, and return whether it is known."""
        shown, region = self._recognised(connection, connection.hosts[0]), self.target(connection).region
        endpoint, named = self._endpoint(connection), self.host.partition(":")[0].lower()
        if endpoint and connection.family in self.method.derived and not self._recognised(connection, endpoint):
            yield "identity-endpoint", _NO_NAME, True
            return False
        yield "identity-endpoint", _NO_ENDPOINT, not (shown or named)
        yield "identity-endpoint", _NO_REGION, bool(named and not region)
        yield "identity-conflict", _OTHER_HOST, bool(shown and named and named != connection.host)
        yield "identity-conflict", _OTHER_REGION, bool(self.region and region and self.region != region)
        return bool(region)

    def _about_provider(self, connection: Connection) -> Generator[tuple[str, str, bool], None, bool]:
        """Yield the same about the provider of the host, whose every server would accept the token."""
        name = _name(_endpoint_of(connection, connection.hosts[0]))
        is_other = name not in {None, "local", self.method.providers[connection.family]}
        yield "identity-endpoint", _OTHER_PROVIDER, is_other
        yield "identity-conflict", _NO_HOST, bool(self.host)
        yield "identity-conflict", _NO_REGION_HERE, bool(self.region)
        return not is_other


def _endpoint_of(connection: Server, host: Host) -> Endpoint:
    return identify(Connection(connection.family, "", (host,), connection.user, connection.dbname))


def _is_misspelt(connection: Connection) -> bool:
    """Whether the host is a provider's, in a spelling that `identify` takes for nobody's."""
    host = connection.hosts[0]
    plain = host.host.lower().rstrip(".")
    return plain != host.host and _name(_endpoint_of(connection, Host(plain, host.port))) not in {None, "local"}


def _name(endpoint: Endpoint) -> str | None:
    return endpoint.provider.name if endpoint.provider else None


def _excludes_passwords(demand: str) -> bool:
    """Whether ``require_auth`` refuses the request for a password, which is how a server asks for a token."""
    methods = [method.strip() for method in demand.split(",")]
    return bool(demand) and ("!password" in methods if demand.startswith("!") else "password" not in methods)


_UNSUPPORTED = "{auth} does not support this kind of server. Set {own}=password, and use a password"
_MYSQL = (
    "{auth} does not support MySQL: its drivers send the token to any server that asks, also without TLS. Set "
    "{own}=password, and use a password"
)
_PASSWORD = "a password is set, but {auth} uses a token instead. Remove the password, or set {own}=password"  # noqa: S105
_HOSTS = "several hosts are named, but a token is for one. Name one host"
_BINDING = (
    "channel_binding=require does not work with {auth}: the server asks for the token as a password. Remove "
    "channel_binding"
)
_METHOD = (
    "require_auth excludes {auth}: the server asks for the token as a password. Use require_auth=password, or remove it"
)
_USER = "the user is not what {auth} logs in as. Use {user}"
_REDIRECTED = "{auth} does not log in where {place} says, which is less trusted. Set both in the same place"
_SPELLING = "the host is in a spelling that no provider uses. Write it in lower case, without a dot at its end"
_OTHER_PROVIDER = "the host is not {endpoint}, which {auth} is for. Set {own}=password, and use a password"
_NO_HOST = "{host} has no effect with {auth}, whose tokens are not for one endpoint. Remove {host}"
_NO_REGION_HERE = "{region} has no effect with {auth}, whose tokens are not for one endpoint. Remove {region}"
_UNVERIFIED = "a token of {auth} is sent to a verified server only. {verify}"
_NO_ENDPOINT = "the host is not {endpoint}, which {auth} signs for. Set {own}_HOST to the endpoint's own name"
_NO_REGION = "the endpoint's name does not show its region, which {auth} signs for. Set {own}_REGION"
_NO_NAME = "{host} is not {endpoint}. Use the one for the whole cache, as the provider writes it"
_OTHER_HOST = "{host} is another endpoint than the host, which is one itself. Remove {host}"
_OTHER_REGION = "{region} is not the region in the endpoint's name. Remove {region}"


def wrong_host(text: str) -> bool:
    """Whether `text` is not a hostname, with a port or without."""
    name, colon, port = text.partition(":")
    is_port = not colon or (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536)
    return not name or bool(name.strip(IN_NAMES + ".")) or not is_port

"""What is required of every connection: a minimum level, the exceptions, and a CA.

The environment states it, or a program with `Policy(...)`:

===================== ==============================================================================
``ENVCONN_TLS``       ``require`` (default), ``verify-ca``, ``verify-full``, ``best``
``ENVCONN_TLS_LOCAL`` ``allow`` (default), ``enforce``: the floor also applies to unix sockets and loopback
``ENVCONN_TLS_WAIVE`` host patterns (``*.internal``) and CIDR blocks that may be unencrypted; schemes (``sqs://``) of
                      services that envconn cannot judge
``ENVCONN_TLS_CA``    a CA for connections that name none: path, ``system``, PEM text, or base64 of it
``DATABASE_CA_CERT``  the same for databases, instead of it, under the name that several platforms use
``PGSSLMODE``         raises the floor if it requires more, and is the ``sslmode`` of a PostgreSQL text without one,
                      where no floor applies; can never lower it
``PGREQUIRESSL``      means ``PGSSLMODE=require`` where that is not set, as in libpq
``PGSSLROOTCERT``     the CA of a database if nothing else names one, as in libpq
``~/.postgresql``     has a CA in root.crt for PostgreSQL if nothing else names one, and a revocation list in root.crl
``PGREQUIREAUTH``     and others raise what a PostgreSQL text requires (`envconn.tls.libpq_demands`)
===================== ==============================================================================
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from envconn.errors import ConfigurationError, Finding, note, problem
from envconn.families import BY_SCHEME, POSTGRESQL, serving
from envconn.grammar.hosts import IN_NAMES, is_address
from envconn.grammar.libpq_keywords import DEMANDS, FROM_VERDICT, HOME_CA, HOME_CRL
from envconn.records import Record, Value
from envconn.tls.levels import SSLMODES, TlsLevel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Literal, NoReturn

    from envconn.connection import Host, Origin


PREFIX = "ENVCONN_"


def prefix(service: str) -> str:
    """Return what the variables of one service begin with (``ENVCONN_ANALYTICS_``)."""
    return f"{PREFIX}{service.upper().replace('-', '_').replace('.', '_')}_"


class Reach(Record):
    """`local`: every host is a unix socket or a loopback address. `waived`: the patterns that cover the others.

    `exempt` is true if the policy's floor does not apply.
    """

    local: bool
    waived: str | None
    exempt: bool


def reach(hosts: tuple[Host, ...], policy: Demands) -> Reach:
    """Classify `hosts`: the list is local only if every host is, and waived only if every other host is."""
    remote = [host for host in hosts if not is_local(host)]
    if not remote:
        return Reach(local=True, waived=None, exempt=not policy.enforce_local)
    patterns = [next((pattern for pattern in policy.waive if _covers(pattern, host)), None) for host in remote]
    waived = ", ".join(dict.fromkeys(pattern for pattern in patterns if pattern)) if all(patterns) else None
    return Reach(local=False, waived=waived, exempt=waived is not None)


def is_local(host: Host) -> bool:
    """Whether `host` is a unix socket or a loopback address; `hostaddr`, the address used, decides if it is stated."""
    if host.is_socket:
        return True
    # A name with a dot at its end is never in /etc/hosts: DNS is asked, and may return another machine.
    if not host.hostaddr and host.host.lower() == "localhost":
        return True
    address = host.hostaddr or host.host
    if not _looks_numeric(address):
        return False
    from ipaddress import ip_address

    try:
        found = ip_address(address)
    except ValueError:
        return False
    # ::ffff:127.0.0.1 is loopback for Python since 3.13 and not before; here it never is.
    return found.is_loopback and getattr(found, "ipv4_mapped", None) is None


def covered_scheme(text: str, waive: Iterable[str]) -> str | None:
    """Return the pattern of `waive` that names the scheme of `text`, with or without its driver; otherwise `None`.

    kombu fails over to the next one of a list with semicolons: each must be covered, and the patterns are all returned.
    """
    waive = list(waive)
    found = [_covering(scheme.strip().lower().partition("://")[0], waive) for scheme in text.split(";")]
    return ", ".join(dict.fromkeys(pattern for pattern in found if pattern)) if all(found) else None


def _covering(scheme: str, waive: Iterable[str]) -> str | None:
    names = {f"{name}://" for name in (scheme, scheme.partition("+")[0])}
    return next((pattern for pattern in waive if pattern.lower() in names), None)


def is_container(host: Host) -> bool:
    """Whether `host` is another machine by a name without a dot, as containers of one network have."""
    return host.host[:1].isalpha() and not (host.hostaddr or is_local(host) or {".", ":"} & set(host.host))


def _covers(pattern: str, host: Host) -> bool:
    if pattern.endswith("://"):
        return False
    # The address used decides: a waiver for a name does not cover an address, nor one for digits a name (10.evil.com).
    dialled = host.hostaddr or host.host
    if (_looks_numeric(dialled) and is_address(dialled)) is not _is_numeric(pattern):
        return False
    if "/" not in pattern and ":" not in pattern:
        from fnmatch import fnmatchcase

        return fnmatchcase(dialled.lower(), pattern.lower())
    from ipaddress import ip_address, ip_network

    address = ip_address(dialled)
    return address in ip_network(pattern) if "/" in pattern else address == ip_address(pattern)


def _is_numeric(pattern: str) -> bool:
    """Whether `pattern` is for addresses: a CIDR block, an address, or one with stars (``10.*``)."""
    return "/" in pattern or ":" in pattern or not pattern.strip(".*?0123456789")


def _looks_numeric(address: str) -> bool:
    return address[:1].isdigit() or ":" in address


WORDS = ("TLS", "TLS_LOCAL", "TLS_WAIVE", "TLS_CA")
"""The words after ``ENVCONN_`` that state the policy."""

VARIABLES = (
    *(PREFIX + word for word in WORDS),
    "DATABASE_CA_CERT",
    *FROM_VERDICT,
    "PGREQUIRESSL",
    *DEMANDS,
    HOME_CA,
    HOME_CRL,
)

_FLOORS = {word: SSLMODES[word] for word in ("require", "verify-ca", "verify-full")}
_FOR_DATABASES = ("DATABASE_CA_CERT", "PGSSLROOTCERT", HOME_CA)
CA_VARIABLES = ("ENVCONN_TLS_CA", *_FOR_DATABASES)
"""What may state a CA for connections that name none, in order of precedence."""


_NOTHING: Mapping[str, str] = {}
_NO_ORIGINS: Mapping[str, Origin] = {}


class Demands(Value):
    """What connections are judged by: the settings in the environment, and a `Policy` of the program above them.

    `floor` is the minimum level of a connection that leaves the machine, at least ``ENCRYPTED``. `best` raises it to
    what the provider's certificates are known to pass. `enforce_local` applies the floor to unix sockets (which can
    never reach it) and loopback addresses, too. `waive` lists host patterns and CIDR blocks that may be unencrypted,
    and schemes that envconn does not judge. `ca` is for connections that name none; `ca_variable` is its name in
    messages. `database_ca` is for databases, instead of it. `sslmode` is the level of a PostgreSQL text that states
    none, `sslrootcert` that of one that names no CA: ``VERIFY_FULL`` if ``PGSSLROOTCERT`` is ``system``. `libpq_ca` is
    the CA that libpq uses by itself, with its variable. `demanded` holds the demands of libpq's variables, by keyword.
    `places` is where the floor and the waivers are stated, by the name of the variable for all services; `ignored`
    where one is stated that is not used, because it is less trusted than what is judged.
    """

    floor: TlsLevel = TlsLevel.ENCRYPTED
    best: bool = False
    enforce_local: bool = False
    waive: tuple[str, ...] = ()
    ca: str | None = None
    ca_variable: str = ""
    database_ca: str | None = None
    database_ca_variable: str = ""
    sslmode: TlsLevel = TlsLevel.NONE
    sslrootcert: TlsLevel = TlsLevel.NONE
    libpq_ca: tuple[str, str] | None = None
    demanded: Mapping[str, str] = _NOTHING
    places: Mapping[str, str] = _NOTHING
    ignored: Mapping[str, str] = _NOTHING

    def __repr__(self) -> str:
        # The CA may be a text, or anything else that was meant for another variable.
        return f"<Demands floor={self.floor} best={self.best} enforce_local={self.enforce_local} waive={self.waive}>"

    def place(self, variable: str) -> str:
        """Return the variable that states what `variable` is for, with file and line if there is one."""
        return self.places.get(variable, variable)

    def remedy(self, variable: str) -> str:
        """Return `variable` for a remedy, and where it must be set to have an effect."""
        is_ignored = variable.partition("=")[0] in self.ignored
        return f"{variable} in the process environment" if is_ignored else variable

    def waiver(self, hosts: Iterable[Host]) -> str:
        """Return how to allow `hosts` to be unencrypted, with the names of those that look like containers.

        Not by a pattern: ``*.scalingo-dbs.com``, meant for a Redis, would also allow it for the database beside it.
        """
        variable = "ENVCONN_TLS_WAIVE"
        near = ",".join(dict.fromkeys(host.host for host in hosts if is_container(host)))
        if not near or self.place(variable).startswith("Policy"):
            return f"add the host's exact name to {self.remedy(variable)}"
        return f"add {near} to {self.remedy(variable)}" if self.waive else f"set {self.remedy(f'{variable}={near}')}"

    def ca_for(self, family: str) -> tuple[str, str] | None:
        """Return the CA for connections of `family` that name none, and its variable, or `None`.

        A CA for databases says nothing about the certificate of a broker, and more about a database's than one for all.
        """
        is_ours = family in serving("database") if self.database_ca_variable != HOME_CA else family == POSTGRESQL
        if self.database_ca and is_ours:
            return self.database_ca, self.database_ca_variable
        return (self.ca, self.ca_variable) if self.ca else None


class Policy:
    """The TLS policy that a program sets, in addition to the environment's.

    Each argument replaces the variable of that name; one that is left out is read from the environment: `tls` is
    ``require``, ``verify-ca``, ``verify-full`` or ``best`` (``ENVCONN_TLS``); `local` is ``allow`` or ``enforce``
    (``ENVCONN_TLS_LOCAL``); `waive` holds the host patterns and CIDR blocks that may do without TLS, and schemes that
    are not judged (``ENVCONN_TLS_WAIVE``); `ca` is a path, ``system``, PEM text, or base64 of it
    (``ENVCONN_TLS_CA``), and not set if it is blank. If both state `tls` or `local`, the stricter one applies.
    Immutable.

    Raises:
        ConfigurationError: an argument is invalid, or a waiver covers every host.
        TypeError: an argument has the wrong type, such as a `str` for `waive`.
    """

    __slots__ = ("ca", "local", "tls", "waive")

    tls: Literal["require", "verify-ca", "verify-full", "best"] | None
    local: Literal["allow", "enforce"] | None
    waive: tuple[str, ...] | None
    ca: str | None

    def __init__(
        self,
        *,
        tls: Literal["require", "verify-ca", "verify-full", "best"] | None = None,
        local: Literal["allow", "enforce"] | None = None,
        waive: Sequence[str] | None = None,
        ca: str | os.PathLike[str] | None = None,
    ) -> None:
        if wrong := _wrong_type(tls, local, waive, ca):
            del ca, waive, tls, local
            raise TypeError(wrong)
        waive = None if waive is None else tuple(waive)
        if not all(isinstance(pattern, str) for pattern in waive or ()):
            del ca, waive
            raise TypeError("waive must be a list of patterns of type str")
        problems = [*_wrong_words(_or(tls, "require"), _or(local, "allow"), "Policy.tls", "Policy.local")]
        problems += [found for pattern in waive or () if (found := _unusable(pattern, "Policy.waive"))]
        if problems:
            # This frame is part of the traceback, and some tools print its variables.
            del ca, waive
            raise ConfigurationError(problems)
        object.__setattr__(self, "tls", tls and str(tls))
        object.__setattr__(self, "local", local)
        object.__setattr__(self, "waive", waive)
        object.__setattr__(self, "ca", (os.fspath(ca).strip() or None) if ca else None)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Policy cannot be changed. Make another one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Policy cannot be changed. Make another one")

    def __repr__(self) -> str:
        # A policy whose constructor failed has no fields yet, and its traceback may be shown with variables.
        shown = {name: getattr(self, name, None) for name in ("tls", "local", "waive", "ca")}
        shown["ca"] = shown["ca"] and "..."
        return f"Policy({', '.join(f'{name}={value!r}' for name, value in shown.items() if value is not None)})"

    def __copy__(self) -> Policy:
        return self

    def __deepcopy__(self, memo: object) -> Policy:
        return self

    def __reduce__(self) -> tuple[Callable[..., Policy], tuple[object, ...]]:
        return _policy, (self.tls, self.local, self.waive, self.ca)


def _or(word: str | None, default: str) -> str:
    return default if word is None else word


def _wrong_type(tls: object, local: object, waive: object, ca: object) -> str | None:
    """Return what is wrong with the type of an argument of `Policy`, or `None`."""
    is_list = waive is None or (isinstance(waive, Iterable) and not isinstance(waive, str | bytes | Mapping))
    wrong = [
        (not isinstance(tls, str | None), "tls must be require, verify-ca, verify-full, best or None"),
        (not isinstance(local, str | None), "local must be allow, enforce or None"),
        (not is_list, "waive must be a list of patterns, not one text: write waive=[...]"),
        (not isinstance(ca, str | os.PathLike | None), "ca must be a path, system, or the text of a certificate"),
    ]
    return next((message for is_so, message in wrong if is_so), None)


def _policy(tls: Any, local: Any, waive: Any, ca: Any) -> Policy:
    return Policy(tls=tls, local=local, waive=waive, ca=ca)


def combined(policy: Policy | None, demands: Demands | None = None) -> Demands:
    """Return `demands`, the environment's, with `policy` above them.

    Raises:
        TypeError: `policy` is not a `Policy`.
    """
    demands = demands or Demands()
    if policy is None:
        return demands
    if type(policy) is not Policy or not hasattr(policy, "ca"):
        raise TypeError("policy must be an envconn.Policy or None")
    # Constructed again: one that was put together in another way is checked here.
    policy = _policy(policy.tls, policy.local, policy.waive, policy.ca)
    return Demands(
        floor=max(demands.floor, _FLOORS.get(policy.tls or "", TlsLevel.ENCRYPTED)),
        best=demands.best or policy.tls == "best",
        enforce_local=demands.enforce_local or policy.local == "enforce",
        waive=demands.waive if policy.waive is None else policy.waive,
        ca=demands.ca if policy.ca is None else policy.ca,
        ca_variable=demands.ca_variable if policy.ca is None else "Policy.ca",
        database_ca=demands.database_ca if policy.ca is None else None,
        database_ca_variable=demands.database_ca_variable if policy.ca is None else "",
        sslmode=demands.sslmode,
        sslrootcert=demands.sslrootcert,
        libpq_ca=demands.libpq_ca,
        demanded=demands.demanded,
        places={**demands.places, **dict(_in_code(policy, demands))},
        ignored=demands.ignored,
    )


def _in_code(policy: Policy, demands: Demands) -> Iterator[tuple[str, str]]:
    """Yield what `policy` replaces, by the variable, and its name in messages."""
    if _FLOORS.get(policy.tls or "", TlsLevel.ENCRYPTED) > demands.floor:
        yield "ENVCONN_TLS", "Policy.tls"
    if policy.waive is not None:
        yield "ENVCONN_TLS_WAIVE", "Policy.waive"
    if policy.local == "enforce" and not demands.enforce_local:
        yield "ENVCONN_TLS_LOCAL", "Policy.local"


def waived_in_code(policy: Policy | None) -> tuple[Finding, ...]:
    """Return the note that `policy` has a waiver, which no variable shows."""
    if policy is None or not policy.waive:
        return ()
    message = f"the program allows connections without TLS to {', '.join(policy.waive)}"
    return (note("waiver-in-code", "Policy.waive", message),)


def _wrong_words(tls: str, local: str, tls_variable: str, local_variable: str) -> Iterator[Finding]:
    if tls not in {*_FLOORS, "best"}:
        meant = ". Use require for encrypted" if tls == "encrypted" else ""
        yield problem(
            "policy-unknown", tls_variable, f"is invalid: expected require, verify-ca, verify-full or best{meant}"
        )
    if local not in {"allow", "enforce"}:
        yield problem("policy-unknown", local_variable, "is invalid: expected allow or enforce")


def _wrong_mode(mode: str) -> tuple[Finding, ...]:
    # libpq would refuse to connect. A misspelt verify-full must not look like a requirement that is met.
    message = f"is invalid: expected one of {', '.join(SSLMODES)}"
    return (problem("policy-unknown", "PGSSLMODE", message),) if mode and mode not in SSLMODES else ()


class Stated(Record):
    """The policy in the environment, its problems, and its notes."""

    demands: Demands
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def stated(values: Mapping[str, str], origins: Mapping[str, Origin] = _NO_ORIGINS) -> Stated:
    """Read the policy from the texts of `VARIABLES`; a missing or blank one is not set.

    `origins` is where each is stated, which may be a variable for one service instead of that for all.
    """
    names = {name: origins[name].variable if name in origins else name for name in VARIABLES}
    word = values.get("ENVCONN_TLS") or "require"
    floor, notes = _raised(_FLOORS.get(word, TlsLevel.ENCRYPTED), values.get("PGSSLMODE", ""), names["ENVCONN_TLS"])
    local = values.get("ENVCONN_TLS_LOCAL") or "allow"
    waive = tuple(values.get("ENVCONN_TLS_WAIVE", "").replace(",", " ").split())
    problems = [found for pattern in waive if (found := _unusable(pattern, names["ENVCONN_TLS_WAIVE"]))]
    problems += _wrong_words(word, local, names["ENVCONN_TLS"], names["ENVCONN_TLS_LOCAL"])
    problems += _wrong_mode(values.get("PGSSLMODE", ""))
    ca, database_ca = _cas(values, names)
    demanded, wrong = _libpq_demands(values)
    unstated, variable = _for_silent(values)
    demands = Demands(
        floor=floor,
        best=word == "best",
        enforce_local=local == "enforce",
        waive=() if problems else waive,
        ca=ca[0],
        ca_variable=ca[1],
        database_ca=database_ca[0],
        database_ca_variable=database_ca[1],
        sslmode=unstated,
        sslrootcert=TlsLevel.VERIFY_FULL if values.get("PGSSLROOTCERT") == "system" else TlsLevel.NONE,
        libpq_ca=next(((values[name], names[name]) for name in ("PGSSLROOTCERT", HOME_CA) if values.get(name)), None),
        demanded={} if wrong else demanded,
        places=_places(origins, floor, _FLOORS.get(word, TlsLevel.ENCRYPTED), variable),
    )
    return Stated(demands, (*problems, *wrong), notes)


def _for_silent(values: Mapping[str, str]) -> tuple[TlsLevel, str]:
    """Return the level that libpq uses for a text without ``sslmode``, and the variable that states it."""
    if mode := values.get("PGSSLMODE", ""):
        return SSLMODES.get(mode, TlsLevel.NONE), "PGSSLMODE"
    is_required = values.get("PGREQUIRESSL", "").startswith("1")
    return TlsLevel.ENCRYPTED if is_required else TlsLevel.NONE, "PGREQUIRESSL"


def _libpq_demands(values: Mapping[str, str]) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    if HOME_CRL not in values and DEMANDS.keys().isdisjoint(values):
        return {}, ()
    from envconn.tls.libpq_demands import stated

    return stated(values)


_NO_CA = (None, "")


def _cas(values: Mapping[str, str], names: Mapping[str, str]) -> tuple[tuple[str | None, str], tuple[str | None, str]]:
    """Return the CA for all connections, and the more specific one for databases; each with its variable."""
    stated = values.get("ENVCONN_TLS_CA")
    for_all = (stated, names["ENVCONN_TLS_CA"]) if stated else _NO_CA
    is_own = names["ENVCONN_TLS_CA"] != "ENVCONN_TLS_CA"  # of one service
    name = next((name for name in _FOR_DATABASES if values.get(name)), None)
    if name is None or (stated and (is_own or name != "DATABASE_CA_CERT")):
        return for_all, _NO_CA
    return for_all, (values[name], names[name])


def _places(
    origins: Mapping[str, Origin], floor: TlsLevel, stated_floor: TlsLevel, sslmode_from: str
) -> Mapping[str, str]:
    shown = {"ENVCONN_TLS", "ENVCONN_TLS_LOCAL", "ENVCONN_TLS_WAIVE", *CA_VARIABLES}
    found = {name: str(origin) for name, origin in origins.items() if name in shown}
    if floor > stated_floor:
        found["ENVCONN_TLS"] = str(origins.get("PGSSLMODE", "PGSSLMODE"))
    if sslmode_from in origins:
        found["sslmode"] = str(origins[sslmode_from])
    return found


def _raised(floor: TlsLevel, pgsslmode: str, variable: str) -> tuple[TlsLevel, tuple[Finding, ...]]:
    level = SSLMODES.get(pgsslmode, TlsLevel.NONE)
    if not pgsslmode:
        return floor, ()
    if level > floor:
        return level, (
            note(
                "pgsslmode-stronger",
                "PGSSLMODE",
                f"raises the minimum to {level}, which is more than {variable} asks for",
            ),
        )
    return floor, (
        note("pgsslmode-overruled", "PGSSLMODE", f"does not raise the minimum: {variable} asks for the same or more"),
    )


def _unusable(pattern: str, variable: str) -> Finding | None:
    """Refuse a waiver that covers every host, or that can never match."""
    if "://" in pattern:
        return _unusable_scheme(pattern.lower(), variable)
    if "/" in pattern:
        return _unusable_network(pattern, variable)
    if not pattern.strip("*?."):
        return _too_wide(variable)
    wrong = next((message for is_wrong, message in _MALFORMED if is_wrong(pattern)), None)
    return problem("waiver-malformed", variable, wrong) if wrong else None


def _has_empty_label(pattern: str) -> bool:
    return pattern.startswith(".") or ".." in pattern


def _is_not_ipv6(pattern: str) -> bool:
    return ":" in pattern and not (is_address(pattern) and "%" not in pattern)


def _is_out_of_range(pattern: str) -> bool:
    labels = pattern.split(".")
    return _is_numeric(pattern) and ":" not in pattern and (len(labels) > 4 or any(map(_is_too_large, labels)))


def _is_too_large(label: str) -> bool:
    return label.isdigit() and (int(label[:4]) > 255 or len(label) > 3 or label != str(int(label)))


def _unusable_scheme(pattern: str, variable: str) -> Finding | None:
    scheme = pattern.removesuffix("://")
    if scheme in BY_SCHEME:
        return problem("waiver-too-wide", variable, "a scheme is one that envconn judges. Name the hosts instead")
    if scheme.replace("+", "").replace("_", "").isalnum():
        return None
    return problem("waiver-malformed", variable, "a scheme is followed by more than ://. Write it like sqs://")


_IN_PATTERNS = IN_NAMES + ".*?:"

_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})
_MALFORMED: tuple[tuple[Callable[[str], bool], str], ...] = (
    # fnmatch's classes: [!_]* covers every host and does not look like it.
    (lambda pattern: "[" in pattern, "a pattern has a bracket. Use * and ? only"),
    (lambda pattern: pattern.lower() in _BOOLEANS, "a pattern is a truth value, but hosts are expected. Name them"),
    (_is_not_ipv6, "a pattern has a colon and is not an IPv6 address. Write the hostname without a port"),
    (_has_empty_label, "a pattern has nothing before a dot, so it matches no host. Write it like *.example.com"),
    (_is_out_of_range, "a pattern of digits is not an IPv4 address. Write it like 10.1.* or 10.1.0.0/16"),
    (lambda pattern: bool(pattern.strip(_IN_PATTERNS)), "a pattern has a character that no hostname has. Remove it"),
)


def _unusable_network(pattern: str, variable: str) -> Finding | None:
    from ipaddress import ip_network

    try:
        network = ip_network(pattern)
    except ValueError:
        return problem(
            "waiver-malformed",
            variable,
            "a pattern with a slash is not a CIDR block. Write it like 10.1.0.0/16, with the host bits zero",
        )
    return _too_wide(variable) if network.prefixlen == 0 else None


def _too_wide(variable: str) -> Finding:
    return problem(
        "waiver-too-wide",
        variable,
        "a pattern matches every host. Name the hosts or the network that may be used without TLS",
    )

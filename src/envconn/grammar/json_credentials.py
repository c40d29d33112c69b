"""A service given in parts: the JSON of a secret manager, the files of a binding, a relationship of a platform.

Parts need no encoding. They are quoted into a text that the grammar of their family reads, so
that all rules about values are in the grammar. If a URI is among the parts, it is used, and the parts
must agree with it: otherwise other programs, which may read the parts, would connect
elsewhere.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from envconn.connection import Connection, Parameters, Secret
from envconn.errors import Finding, problem
from envconn.families import FAMILIES, POSTGRESQL, REDIS
from envconn.grammar.conninfo import quoted
from envconn.grammar.hosts import is_complete
from envconn.grammar.libpq_keywords import FILES, KEYWORDS
from envconn.grammar.references import of_component
from envconn.grammar.text import LONGEST
from envconn.records import replace
from envconn.sources.bound_service import NAMES, Credentials, flatten, kind_of, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from envconn.connection import Origin

    Outcome: TypeAlias = Connection | tuple[Finding, ...]
    ReadText: TypeAlias = Callable[[Secret, Origin], Outcome]

_SECURE = {plain: secure for family in FAMILIES.values() for plain, secure in family.tls_schemes}
_FILES = frozenset({"sslrootcert", *FILES})
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LARGEST_PORT = 65_535


def read_json(text: Secret, origin: Origin, read_text: ReadText) -> Outcome:
    """Read the JSON object `text`, as AWS Secrets Manager stores it for RDS. Never raises for bad input."""
    found = parse(text, origin.variable, LONGEST)
    return (found,) if isinstance(found, Finding) else read(flatten(found), origin, read_text)


def read(credentials: Credentials, origin: Origin, read_text: ReadText, family: str = "") -> Outcome:
    """Return the connection that `credentials` describe, or the problems; `family` is the family, if known.

    `read_text` is `envconn.grammar.read_text`, which reads the text that is built from them.
    """
    parts = _parts(credentials)
    if problems := (*_no_texts(credentials, origin), *_unfit(parts, origin), *_unresolved(parts, origin)):
        return problems
    stated = family or kind_of(parts.get("word", ""))
    if "uri" in parts:
        outcome = _from_uri(parts, stated, origin, read_text)
    elif stated or "word" not in parts:
        outcome = _from_parts(parts, stated or POSTGRESQL, origin, read_text)
    else:
        return (problem("scheme-unsupported", origin.variable, _ENGINE),)
    return _completed(outcome, parts) if isinstance(outcome, Connection) else outcome


def spelled(family: str, parts: Mapping[str, str]) -> str:
    """Return the text with these `parts` (``host``, ``port``, ``user``, ...) for the grammar of `family`."""
    if family == POSTGRESQL:
        known = ("host", "port", "dbname", "user", "password", "sslmode")
        return " ".join(f"{name}={quoted(parts[name])}" for name in known if parts.get(name))
    secure = "tls_port" in parts or parts.get("word", "").lower() in _SECURE.values()
    scheme = FAMILIES[family].secure if secure else FAMILIES[family].plain
    host = f"[{parts['host']}]" if ":" in parts["host"] else quote(parts["host"], safe="")
    port = f":{quote(parts['port'], safe='')}" if parts.get("port") else ""
    return f"{scheme}://{_userinfo(parts)}{host}{port}/{quote(parts.get('dbname', ''), safe='')}"


def _parts(credentials: Credentials) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part, names in NAMES.items():
        found = [credentials.texts[name] for name in names if credentials.texts.get(name, "").strip()]
        if found:
            parts[part] = found[0]
    if parts.get("tls_port") == "0":  # Redis's own value for a server without TLS
        del parts["tls_port"]
    return parts


def _no_texts(credentials: Credentials, origin: Origin) -> Iterator[Finding]:
    for part, names in NAMES.items():
        if part not in {"label", "word"} and credentials.others.intersection(names):
            yield problem("part-invalid", origin.variable, f"{part} is not a text. Write it in quotes")


def _unfit(parts: Mapping[str, str], origin: Origin) -> Iterator[Finding]:
    for part, value in parts.items():
        if part not in _FILES and _UNFIT.search(value):
            yield problem("control-character", origin.variable, f"{part} has a control character. Remove it")
    for part in ("port", "tls_port"):
        if (port := parts.get(part)) and not _is_port(port):
            yield problem(
                "port-range", origin.variable, (f"{part} is invalid: expected a number from 1 to {_LARGEST_PORT}")
            )
    if parts.get("sslmode", "require") not in KEYWORDS["sslmode"].values:
        words = ", ".join(KEYWORDS["sslmode"].values)
        yield problem("sslmode-unknown", origin.variable, f"sslmode is invalid: expected one of {words}")


def _unresolved(parts: Mapping[str, str], origin: Origin) -> Iterator[Finding]:
    for part in ("host", "port", "user", "password", "dbname"):
        if form := of_component(parts.get(part, "")):
            yield problem(form.code, origin.variable, f"{part} is {form.what}. {form.remedy}")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= _LARGEST_PORT


_ENGINE = "the parts are of an unsupported service. Use PostgreSQL, MySQL, Redis or RabbitMQ"
_NO_HOST = "there is no host. Add host, or uri"
_CONTRADICTION = "the uri and {} contradict each other. Correct one of the two, or remove it"
_INLINE = "the client certificate is text, which drivers cannot use. It is ignored"


def _from_parts(parts: dict[str, str], family: str, origin: Origin, read_text: ReadText) -> Outcome:
    if "host" not in parts:
        return (problem("host-missing", origin.variable, _NO_HOST),)
    chosen = {"dbname": parts.get("label", ""), **parts}
    if "tls_port" in parts:
        chosen["port"] = parts["tls_port"]
    outcome = read_text(Secret(spelled(family, chosen)), origin)
    if isinstance(outcome, Connection) and not is_complete(outcome):
        missing = [_MISSING[name] for name in _MISSING if not getattr(outcome, name)]
        return tuple(problem(code, origin.variable, message) for code, message in missing)
    return outcome


_MISSING = {
    "user": ("user-missing", "there is no user. Add user"),
    "dbname": ("dbname-missing", "there is no database name. Add dbname"),
}


def _from_uri(parts: dict[str, str], family: str, origin: Origin, read_text: ReadText) -> Outcome:
    scheme, separator, rest = parts["uri"].strip().partition("://")
    if separator and "@" not in rest:
        rest = f"{_userinfo(parts)}{rest}"
    secure = _SECURE.get(scheme, scheme) if "tls_port" in parts else scheme
    outcome = read_text(Secret(f"{secure}{separator}{rest}"), origin)
    if not isinstance(outcome, Connection):
        return outcome
    if different := [*_differences(outcome, family, parts)]:
        return (problem("parts-contradict", origin.variable, _CONTRADICTION.format(" and ".join(different))),)
    if "tls_port" in parts and scheme not in _SECURE.values():
        port = int(parts["tls_port"])
        return replace(outcome, hosts=tuple(replace(host, port=port) for host in outcome.hosts))
    return outcome


def _differences(connection: Connection, family: str, parts: Mapping[str, str]) -> Iterator[str]:
    """Return the parts that differ from the URI."""
    hosts, ports = [host.host.lower() for host in connection.hosts], {str(host.port) for host in connection.hosts}
    password = connection.password.reveal() if connection.password else ""
    agreeing = {
        "type": family in {"", connection.family},
        "host": parts.get("host", "").lower() in {"", *hosts, ",".join(hosts)},
        "port": parts.get("port", "") in {"", *ports} or "tls_port" in parts,
        "user": parts.get("user", connection.user) in {connection.user, *_nobody(connection)},
        "password": parts.get("password", password) == password,
        "dbname": parts.get("dbname", connection.dbname) == connection.dbname,
    }
    for name in ("sslrootcert", "sslmode"):
        agreeing[name] = parts.get(name) in {None, connection.parameters.get(name, parts.get(name))}
    yield from (part for part, agrees in agreeing.items() if not agrees)


def _nobody(connection: Connection) -> tuple[str, ...]:
    # Redis's name for the user of a URI without a user name.
    return ("default",) if connection.family == REDIS and not connection.user else ()


def _userinfo(parts: Mapping[str, str]) -> str:
    user, password = (quote(parts.get(name, ""), safe="") for name in ("user", "password"))
    return f"{user}:{password}@" if password else f"{user}@" if user else ""


def _completed(connection: Connection, parts: Mapping[str, str]) -> Connection:
    """Add the parts beside the text: the CA, the client's certificate, and TLS if there is a TLS port."""
    inline = "-----BEGIN" in parts.get("sslcert", "") + parts.get("sslkey", "")
    names = ("sslmode", "sslrootcert", *(() if inline else ("sslcert", "sslkey")))
    beside = {name: parts[name] for name in names if name in parts}
    if "tls_port" in parts and not FAMILIES[connection.family].verified:
        beside.setdefault("sslmode", "require")
    return replace(
        connection,
        parameters=Parameters({**beside, **connection.parameters}),
        notes=(*connection.notes, _INLINE) if inline else connection.notes,
    )

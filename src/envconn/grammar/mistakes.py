"""The one cause of a text that was copied with too much around it, in the words of another program, or unfinished.

Such a text breaks several rules at once, and what the grammar would say about each of them leads nowhere. Some are even
read without a complaint, and a demand of theirs is lost: ``/app;sslmode=verify-full`` is a name of a database to libpq.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module

from envconn.families import BY_SCHEME, FAMILIES, POSTGRESQL, SQLITE
from envconn.grammar import references
from envconn.grammar.conninfo import unquoted
from envconn.grammar.libpq_keywords import FOREIGN, KEYWORDS, OF_DJANGO, SECRETS

TYPE_CHECKING = False
PASTED = "text-pasted"
MISPLACED = "parameter-misplaced"


def find(text: str) -> tuple[str, str] | None:
    """Return code and message for the mistake in `text`, if it is a known one. No part of it is in the message."""
    if form := references.of_value(text):
        return form.code, f"is {form.what}. {form.remedy}"
    if found := re.search(_CERTIFICATE, text):
        variable = "ENVCONN_TLS_CA" if text.startswith(_OTHER_FAMILIES) else "DATABASE_CA_CERT"
        remedy = f"Move it to {variable}" if found[2] else "Write it to a file, and name that"
        return "ca-inline", f"{found[1]} is a certificate or a key, but the path of a file is expected. {remedy}"
    for recognise in (_command, _assignment, _escaped, of_dotnet, _of_stack_exchange, _encoded):
        if message := recognise(text):
            return PASTED, message
    if components := _components(text):
        return _about(components)
    for code, recognise in (("host-invalid", _url_as_host), (MISPLACED, _misplaced)):
        if message := recognise(text):
            return code, message
    return None


_CERTIFICATE = (
    r"(?:^|[?&\s])((ssl(?:_|-)?(?:root_?cert|ca(?:_certs)?|ca_data)|cacertfile)|ssl(?:_|-)?(?:cert|key)(?:file)?|certfile"
    r"|keyfile) *= *'?-{5}BEGIN"
)
_OTHER_FAMILIES = ("redis", "valkey", "amqp", "pyamqp", "unix", "sentinel")


def _components(text: str) -> tuple[references.Component, ...]:
    scheme, separator, _ = text.partition("://")
    is_uri = separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+._-]*", scheme)
    return (*(references.in_uri(text, len(scheme) + 3) if is_uri else references.in_pairs(text)),)


def _about(components: tuple[references.Component, ...]) -> tuple[str, str]:
    first = components[0]
    names = [f"the {each.name}" for each in components if each.form == first.form]
    verb = "are each" if names[1:] else "is"
    subject = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    sentences = (f"{subject} {verb} {first.form.what}", first.form.remedy, references.literally(first))
    return first.form.code, ". ".join(filter(None, sentences))


_URL = "Write it as postgresql://user:password@host/name"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


def _command(text: str) -> str:
    found = re.match(rf"(?:{_NAME}=\S* +)*(?:sudo +)?({'|'.join(_COMMANDS)}) ", text)
    if not found:
        return ""
    remedy = "Keep only the connection string, without quotes" if "://" in text else _URL
    return f"begins with the command {found[1]}. {remedy}"


_COMMANDS = (
    *("psql", "pgcli", "pg_dump", "pg_restore", "pg_isready", "createdb", "usql"),
    *("mysql", "mysqldump", "mariadb", "mycli", "sqlite3", "redis-cli", "valkey-cli", "iredis"),
)


def _assignment(text: str) -> str:
    if re.match(rf"(?:(?:export|set|setx|env|ENV|declare -x|-) +|\$env: *){_NAME} *[= ]", text):
        return _ASSIGNED
    found = re.match(rf"({_NAME}) *(?:=|: ) *[\"']?[a-z][a-z0-9+.-]*:\\?/", text)
    return _ASSIGNED if found and found[1] not in KEYWORDS else ""


_ASSIGNED = "begins with a variable's name, as in a file or a shell. Keep only what follows the name, without quotes"


def _escaped(text: str) -> str:
    _, _, query = text.partition("?")
    if found := next((each for each in _AMPERSANDS if each in query), ""):
        return f'has {found} for an "&", as in {_AMPERSANDS[found]}. Write & in its place'
    return r"has \/ for a slash, as in JSON. Write / in its place" if r":\/\/" in text else ""


_AMPERSANDS = {"&amp;": "HTML", "&#38;": "HTML", "&#x26;": "HTML", r"\u0026": "JSON", r"\&": "a shell"}


def of_dotnet(text: str) -> str:
    """Return the message for a connection string of ADO.NET, empty if `text` is none."""
    first, *others = text.split(";")
    names = [each.partition("=")[0].strip().lower().replace(" ", "") for each in (first, *others)]
    is_one = names[0] in _OF_DOTNET and first.count("=") == 1 and not _OF_DOTNET.isdisjoint(names[1:])
    return f"is a connection string of ADO.NET. {_URL}" if is_one else ""


_OF_DOTNET = frozenset(
    (
        *("server", "host", "hostname", "datasource", "address", "addr", "networkaddress", "port"),
        *("database", "db", "initialcatalog", "userid", "uid", "user", "username", "password", "pwd"),
        *("sslmode", "ssl", "encrypt", "trustservercertificate", "integratedsecurity", "pooling", "timeout"),
    )
)


def _of_stack_exchange(text: str) -> str:
    words = "password|ssl|user|abortConnect|defaultDatabase|allowAdmin|connectTimeout|syncTimeout|sslHost"
    found = re.match(rf"(?i:[^\s,=/@]+(?:,[^\s,=/@]+)*(?:, *[a-z]+=[^,]*)*, *(?:{words})=)", text)
    return "is a connection string of StackExchange.Redis. Write it as rediss://:password@host:port" if found else ""


def _encoded(text: str) -> str:
    if len(text) < _SHORTEST or not re.fullmatch("[A-Za-z0-9+/_-]+={0,2}", text):
        return ""
    from base64 import urlsafe_b64decode
    from contextlib import suppress

    decoded, digits = b"", text.rstrip("=").translate({ord("+"): "-", ord("/"): "_"})
    with suppress(ValueError):
        decoded = urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
    is_one = decoded.partition(b"://")[0].decode("ascii", "replace") in BY_SCHEME or b"host=" in decoded
    return "is a connection string in base64. Decode it once: base64 --decode" if is_one else ""


_SHORTEST = 16


def _url_as_host(text: str) -> str:
    """Return the message about a URL in place of the host: libpq would connect to a host with its scheme's name."""
    scheme, _, rest = text.partition("://")
    if BY_SCHEME.get(scheme.removeprefix("db+"), SQLITE) == SQLITE:  # a file may have any name
        return ""
    place = rest.partition("?")[0]
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)(:?)//", place[place.rfind("@") + 1 :])
    # A container may be called redis, and an empty virtual host or name of a database may follow it.
    known = found is not None and found[1].lower() in ({*BY_SCHEME, *_OF_PAGES} if found[2] else _OF_PAGES)
    return "the host is a URL, but a hostname is expected. Keep only the hostname" if known else ""


_OF_PAGES = ("https", "http")


def _misplaced(text: str) -> str:
    """Return the message about a parameter that was meant, but as it is written is a part of something else."""
    scheme, separator, rest = text.partition("://")
    family = BY_SCHEME.get(scheme, POSTGRESQL)
    if family == SQLITE:  # a file may have any name
        return ""
    if separator and " " not in scheme and "=" not in scheme:
        place, _, query = rest[rest.rfind("@") + 1 :].partition("?")
        found = re.search(_IN_PLACE, place) or re.search(_OF_PROGRAM.format(_parameters(family)), place)
        return _without_effect(found, _AS_PARAMETER) if found else _in_query(query, _parameters(family))
    return "" if text.startswith("//") else _in_pairs(text)  # neither a URI nor keywords


def _without_effect(found: re.Match[str], remedy: str) -> str:
    mark = " " if found[1].isspace() else found[1]
    return f'{found[2]}= follows "{mark}", so it has no effect. {remedy}'


def _in_query(query: str, known: str) -> str:
    """Return the message about the first parameter that is a part of another one's name or value."""
    for parameter in query.split("&"):
        name = parameter.partition("=")[0]
        between = _MARK if name == "options" else _MARK_OR_BLANK  # -c name=value after a blank is the server's
        raw = re.search(_RAW.format(between), parameter.lstrip()) or re.search(_OF_PROGRAM.format(known), parameter)
        if raw:
            remedy = _instead(raw)
            return _without_effect(raw, f"{remedy}; in a password, write %3D" if "pass" in name else remedy)
        # A password is encoded for what is in it.
        if "pass" not in name and (found := re.search(_ENCODED.format(between), parameter)):
            return _without_effect(found, _AS_PARAMETER)
    return ""


def _instead(found: re.Match[str]) -> str:
    """Return what to write for the character before a parameter, which is not the first one of the query."""
    if not found.start() or found[1] not in _MARKS:
        return _AS_PARAMETER
    return f'Write "&" instead of the {"second " * (found[1] == "?")}"{found[1]}"'


@cache
def _parameters(family: str) -> str:
    """Return the pattern of every parameter that is known, those of other programs included."""
    module = import_module(f"envconn.grammar.{FAMILIES[family].grammar.partition('.')[0]}")
    of_django = (*OF_DJANGO, *map(str.upper, OF_DJANGO))
    names = {*FOREIGN, *of_django, *getattr(module, "PARAMETERS", ())}
    return "|".join(map(re.escape, sorted(names)))


def _in_pairs(text: str) -> str:
    """Return the message about the first keyword that is a part of another one's value, which is not in quotes."""
    pairs = unquoted(text)
    if found := re.search(_IN_PAIRS, " ".join(f"{name}={'' if name in SECRETS else value}" for name, value in pairs)):
        return _without_effect(found, _AS_KEYWORD)
    secrets = (re.search(_IN_SECRET, value) for name, value in pairs if name in SECRETS)
    found = next(filter(None, secrets), None)
    return _without_effect(found, f"{_AS_KEYWORD}, or quotes around a value with such a text") if found else ""


_AS_PARAMETER = 'Write "?" before the first parameter, and "&" before each other one'
_AS_KEYWORD = "Write a space before each keyword"

_OF_OTHERS = (
    *("ssl", "tls", "ssl-mode", "ssl_mode", "ssl-ca", "ssl_ca", "ssl_verify_cert", "ssl_verify_identity"),
    *("ssl_cert_reqs", "ssl_ca_certs", "ssl_check_hostname", "cacertfile", "verify"),
)
_DEMANDING = tuple(name for name, keyword in KEYWORDS.items() if keyword.decides in {"tls", "auth"})
_WORDS = "|".join((*KEYWORDS, *_OF_OTHERS))
_DEMANDS = "|".join((*_DEMANDING, *_OF_OTHERS))
_MARK = r"[;#&,/?|:!]|(?i:%(?:21|23|26|2C|2F|3A|3B|3F|7C))"
_MARK_OR_BLANK = rf"{_MARK}|[\s+]|(?i:%(?:20|09|0A|0D))"
_IN_PLACE = rf"({_MARK_OR_BLANK})({_WORDS})(?:=|(?i:%3D))"
_RAW = rf"({{}})({_WORDS})="
_ENCODED = rf"({{}})({_DEMANDS})(?i:%3D)"
_MARKS = ";#,?|"
_OF_PROGRAM = r"([;#,?])({})="
_IN_PAIRS = rf"([?;#,&|:]) *({_WORDS}) *="
_IN_SECRET = rf"([?;#,&|:])({'|'.join(_DEMANDING)})="

"""What libpq's and OpenSSL's own variables would do to a judged connection: prevent it, redirect it, or weaken it.

A driver gets every argument that matters. What is left to libpq's environment is harmless, but libpq refuses to connect
for an invalid value, which would only be noticed at the first connection. A blank value is invalid, too, except for an
encoding.

``OPENSSL_CONF`` names a file whose ciphers libpq uses: with NULL ciphers, or security level 0, a verified
connection is readable (config(5), SSL_CONF_cmd(3)). Python's contexts set ciphers of their own.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

from envconn.errors import note, problem
from envconn.families import POSTGRESQL
from envconn.grammar import reference
from envconn.selection.host_variables import TOGETHER, outranked, password_redirected
from envconn.sources import Text
from envconn.sources.files import without_waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.connection import Connection
    from envconn.errors import Finding
    from envconn.selection.scan import Scan


_LARGEST = 2_147_483_647  # INT_MAX, as in parse_int_param of fe-connect.c

# pg_encname_tbl of encnames.c, letters and digits alone, as clean_encoding_name leaves them; libpq reads "auto".
_ENCODINGS = """
abc alt auto big5 euccn eucjis2004 eucjp euckr euctw gb18030 gbk iso88591 iso885910 iso885913
iso885914 iso885915 iso885916 iso88592 iso88593 iso88594 iso88595 iso88596 iso88597 iso88598
iso88599 johab koi8 koi8r koi8u latin1 latin10 latin2 latin3 latin4 latin5 latin6 latin7 latin8
latin9 mskanji muleinternal shiftjis shiftjis2004 sjis sqlascii tcvn tcvn5712 uhc unicode utf8
vscii win win1250 win1251 win1252 win1253 win1254 win1255 win1256 win1257 win1258 win866 win874
win932 win936 win949 win950 windows1250 windows1251 windows1252 windows1253 windows1254 windows1255
windows1256 windows1257 windows1258 windows866 windows874 windows932 windows936 windows949
windows950
"""


def libpq_findings(scan: Scan, found: Iterable[Connection]) -> Iterator[Finding]:
    """Yield a problem for each variable that would prevent a connection that was `found`, or affect it; and notes."""
    found = [connection for connection in found if connection.family == POSTGRESQL]
    yield from _redirected(scan, found)
    yield from _less_trusted(scan, found)
    if any(not connection.password for connection in found):
        yield from _unresolved(scan)
    stated = [connection.parameters for connection in found]
    if stated and "PGSERVICE" in scan.present:
        yield problem("pg-service", "PGSERVICE", _SERVICE)
    for variable, (name, fits, expected) in _CHECKS.items():
        left = variable in scan.present and any(name not in parameters for parameters in stated)
        if left and not fits(scan.plain(variable)):
            yield problem(
                "pg-variable-invalid", variable, f"is invalid, and libpq would not connect: expected {expected}"
            )


def _redirected(scan: Scan, found: Iterable[Connection]) -> Iterator[Finding]:
    """Yield a problem if libpq would send the password of the process to the host of an env file."""
    if "PGPASSWORD" in scan.present and not scan.environment.in_env_file("PGPASSWORD"):
        places = [each.origin.place for each in found if each.origin.env_file and not each.password]
        yield from (problem("password-redirected", "PGPASSWORD", password_redirected(place)) for place in places[:1])


def _less_trusted(scan: Scan, found: Iterable[Connection]) -> Iterator[Finding]:
    """Yield a note if only an env file has the password for a text that is more trusted."""
    written = scan.environment.written("PGPASSWORD") if "PGPASSWORD" in scan.present else None
    place = written.origin.place if isinstance(written, Text) and written.origin.env_file else ""
    lacking = [each.origin for each in found if not (each.password or each.origin.env_file or each.origin.parts)]
    if place and lacking:
        yield note("dotenv-ignored", "PGPASSWORD", f"{outranked(place, lacking[0].variable)}. {TOGETHER}")


def _unresolved(scan: Scan) -> Iterator[Finding]:
    """Yield a problem if libpq would send a reference or a placeholder as the password."""
    written = scan.environment.written("PGPASSWORD") if "PGPASSWORD" in scan.present else None
    if isinstance(written, Text) and (mistake := reference(written.text.reveal())):
        yield problem(mistake[0], "PGPASSWORD", mistake[1])


_SERVICE = (
    "libpq would take values from a service file, also where it is empty, and fail without one. Unset it, and write "
    "the values into the connection string"
)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,10}", text, re.ASCII) is not None and abs(int(text)) <= _LARGEST


def _is_encoding(text: str) -> bool:
    name = re.sub("[^a-z0-9]", "", text.lower())
    return not text or (re.search(rf"\b{name}\b", _ENCODINGS) is not None and bool(name))


def _is_library(text: str) -> bool:
    return text in {"gssapi", "sspi"}  # asyncpg raises for any other


def _is_not_required(text: str) -> bool:
    return text != "require"  # what libpq alone would refuse to do without; ours is TLS in its place


_CHECKS = {
    "PGCONNECT_TIMEOUT": ("connect_timeout", _is_number, "a whole number of seconds"),
    "PGCLIENTENCODING": ("client_encoding", _is_encoding, "an encoding of PostgreSQL, such as UTF8"),
    "PGGSSENCMODE": ("gssencmode", _is_not_required, "disable or prefer, as GSSAPI encryption would replace TLS"),
    "PGGSSLIB": ("gsslib", _is_library, "gssapi or sspi"),
}


def openssl_findings(scan: Scan) -> Iterator[Finding]:
    """Yield a problem for a configuration that allows connections without encryption, and a note for any other."""
    path = scan.environment.plain("OPENSSL_CONF")
    if not path:
        return
    texts, unchecked = _configuration(scan, path)
    if any(_is_weak(value) for text in texts for value in re.findall(_ASSIGNED, text)):
        yield problem("openssl-weak", "OPENSSL_CONF", _ALLOWS)
    elif unchecked:
        yield problem("openssl-weak", "OPENSSL_CONF", unchecked)
    elif texts:
        yield note("openssl-conf", "OPENSSL_CONF", _CHANGES)
    else:
        yield note("openssl-conf", "OPENSSL_CONF", "names a file that cannot be read, which OpenSSL ignores")


def _configuration(scan: Scan, path: str) -> tuple[list[str], str]:
    """Return the texts of the file at `path` and of all that may be included, and why one cannot be checked.

    A relative name may begin where OPENSSL_CONF_INCLUDE says, or where any of the files does.
    """
    found: dict[str, str | None] = {}
    texts: list[str] = []
    directories, waiting = {scan.environment.plain("OPENSSL_CONF_INCLUDE")}, {path}
    try:
        while waiting and len(found) + len(waiting) <= _MOST:
            found |= {each: _read(each) for each in waiting}
            texts = [text for text in found.values() if text is not None]
            directories |= _named(scan, texts, _INCLUDE_FROM)
            names = _named(scan, texts, _INCLUDE)
            places = {os.path.join(directory, name) for name in names for directory in directories}
            waiting = {each for place in places for each in (place, *_inside(place))} - found.keys()
    except _UncheckedError as error:
        return [], str(error)
    return texts, _TOO_MANY if waiting else ""


class _UncheckedError(Exception):
    """Why a configuration cannot be checked."""


def _read(path: str) -> str | None:
    """Return the file without its comments, `None` for one that OpenSSL ignores; a backslash joins two lines.

    Raises:
        _UncheckedError: OpenSSL reads it, and reading it here could block, or take long.
    """
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise _UncheckedError(_SPECIAL)
        with open(path, encoding="utf-8", errors="replace", opener=without_waiting) as file:
            text = file.read(_LIMIT + 1)
    except (OSError, ValueError):
        return None
    if len(text) > _LIMIT:
        raise _UncheckedError(_TOO_LARGE)
    return re.sub(r"#[^\n]*", "", re.sub(r"\\\r?\n", "", text))


def _named(scan: Scan, texts: Iterable[str], pattern: str) -> set[str]:
    """Return the names that `pattern` finds in `texts`, each with every value that its variables may have.

    Raises:
        _UncheckedError: a variable is not known.
    """
    every = "\n".join(texts)
    names = {_plain(name) for name in re.findall(pattern, every)}
    for _ in range(_VARIABLES_IN_A_NAME):
        names = {resolved for name in names for resolved in _resolved(scan, every, name)}
    if any("$" in name for name in names):
        raise _UncheckedError(_UNRESOLVED)
    return names


def _resolved(scan: Scan, text: str, name: str) -> set[str]:
    """Return `name` with each value of its first variable: of the environment, or of any section of the file."""
    match = re.search(_VARIABLE, name)
    if match is None:
        return {name}
    section, _, variable = (match[1] or match[2] or match[3]).rpartition("::")
    values = (
        [scan.environment.plain(variable)] if section == "ENV" else re.findall(_VALUE.format(re.escape(variable)), text)
    )
    return {name[: match.start()] + _plain(value) + name[match.end() :] for value in values if value} or {"$"}


def _plain(value: str) -> str:
    return re.sub(r"[\"'`\\]", "", value)


def _inside(directory: str) -> list[str]:
    with suppress(OSError, ValueError):
        return [
            os.path.join(directory, name) for name in os.listdir(directory) if name.lower().endswith((".cnf", ".conf"))
        ]
    return []


def _is_weak(value: str) -> bool:
    # What takes a variable from elsewhere in the file may become anything.
    plain = re.sub(r"[ \t]", "", _plain(value)).upper()
    allowed = [word for word in re.split(r"[:,;]", plain) if word[:1] not in {"!", "-"}]
    return "$" in plain or "SECLEVEL=0" in plain or any(re.search(_UNENCRYPTED, word) for word in allowed)


# COMPLEMENTOFALL selects ciphers without encryption (ciphers(1)); TLS_SHA256_SHA256 is from RFC 9150.
_UNENCRYPTED = "NULL|COMPLEMENTOFALL|TLS_SHA"

_ALLOWS = (
    "allows NULL ciphers or security level 0, which libpq would use in every connection. Remove them from CipherString"
)
_CHANGES = "configures OpenSSL for every connection of the process, in addition to envconn"

_SPECIAL = "names or includes a pipe or a device, which cannot be checked. Name a regular file"
_TOO_LARGE = "names or includes a file of more than 1 MB, which is not checked. Name a smaller one"
_UNRESOLVED = "includes a file whose name has a variable that is not known here. Write the name without it"
_TOO_MANY = "includes more files than are checked. Write what is used into one file"

_LIMIT = 1_048_576
_MOST = 256  # files
_VARIABLES_IN_A_NAME = 4
_VARIABLE = r"\$(?:\{([^}]*)\}|\(([^)]*)\)|(\w+(?:::\w+)?))"
_VALUE = r"(?m)^(?:[^=\n]*::)?[ \t]*{}[ \t]*=[ \t]*(.*?)[ \t]*$"
# The name may have a section and two colons before it, or anything and a dot (config(5), SSL_CONF_cmd(3)).
_ASSIGNED = r"(?im)^[^=\n]*(?:CipherString|Ciphersuites)[ \t]*=(.*)$"
_INCLUDE_FROM = r"(?m)^[ \t]*\.pragma\b[ \t]*=?[ \t]*includedir:[ \t]*(.+?)[ \t]*$"
_INCLUDE = r"(?m)^[ \t]*\.include\b[ \t]*=?[ \t]*(.+?)[ \t]*$"

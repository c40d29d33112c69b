"""The files that decide how secure a connection is: CA, client certificate, key and revocation lists.

They are read when a connection is judged, and looked at again for each login, because they may be replaced while the
process runs. If they are the same file, of the same size and age, their content is taken to be the same.
"""

from __future__ import annotations

import os
import stat
import time

from envconn.errors import ConfigurationError, files_exhausted, problem
from envconn.families import POSTGRESQL
from envconn.grammar.libpq_keywords import FILES, demanded_by
from envconn.records import Record, replace
from envconn.sources.files import without_waiting
from envconn.tls.secured import accept_files, judgement_of, usable_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from envconn.connection import Connection, Parameters
    from envconn.errors import Finding
    from envconn.tls.ca import CA
    from envconn.tls.judged import Contents
    from envconn.tls.secured import SecuredConnection


def located(connection: Connection, directory: str = "") -> Connection:
    """Return `connection` with absolute paths, which begin at `directory` if they are relative."""
    relative = {name: path for name in _PATHS if (path := connection.parameters.get(name)) and path[:1] != "/"}
    if not relative:
        return connection
    absolute = {name: os.path.abspath(os.path.join(directory, path)) for name, path in relative.items()}
    return replace(connection, parameters=type(connection.parameters)({**connection.parameters, **absolute}))


_PATHS = (*FILES, "passfile")


def problems(connection: Connection, demanded: Collection[str]) -> list[Finding]:
    """Return the problems of the client certificate, its key and the revocation lists of `connection`.

    `demanded` names the keywords whose value is from a variable. The CA is read elsewhere (`envconn.tls.ca.read`).
    """

    # libpq continues without a client certificate or a CRL that it cannot read.
    def about(name: str, code: str, message: str) -> Finding:
        place = demanded_by(name, connection.parameters[name])
        return problem(code, place if name in demanded else connection.origin.variable, message)

    paths = {name: connection.parameters[name] for name in FILES if name in connection.parameters}
    missing = [name for name, path in paths.items() if not _is_readable(name, path)]
    found = [about(name, "tls-file-missing", f"the path in {name} {_UNREADABLE}") for name in missing]
    broken = _broken_lists({name: path for name, path in paths.items() if name in _LISTS and name not in missing})
    unusable = [about(name, "crl-broken", _LISTS[name]) for name in broken]
    if presents_certificate(connection.parameters) and not {*missing}.intersection(_FOR_LOGIN):
        unusable += _broken_pair(connection)
    if not unusable:
        return found
    exhausted = files_exhausted(connection.origin.variable)
    return [*found, *([exhausted] if exhausted else unusable)]


def presents_certificate(parameters: Parameters) -> bool:
    """Whether a connection with `parameters` has a client certificate that it may send."""
    return parameters.keys() >= {*_FOR_LOGIN} and parameters.get("sslcertmode") != "disable"


def _broken_pair(connection: Connection) -> list[Finding]:
    from envconn.tls.client_certificate import fault

    # The words of a URI become the names of variables if there are parts; libpq's are known there.
    message = fault(connection.parameters, POSTGRESQL if connection.origin.parts else connection.family)
    return [problem("tls-file-broken", connection.origin.variable, message)] if message else []


def _broken_lists(paths: Mapping[str, str]) -> list[str]:
    if not paths:
        return []
    from envconn.tls.ca import has_lists, is_readable

    check = {"sslcrl": is_readable, "sslcrldir": has_lists}
    return [name for name, path in paths.items() if not check[name](path)]


_UNREADABLE = "cannot be read. Mount the file, or correct the path"
_LISTS = {
    "sslcrl": "the file in sslcrl has no revocation list in PEM, and libpq would ignore it. Write the list as PEM",
    "sslcrldir": (
        "the files in sslcrldir do not have the names that OpenSSL looks for. Run openssl rehash on the directory"
    ),
}


def _is_readable(name: str, path: str) -> bool:
    # A driver would wait until something is written to a pipe.
    return "\0" not in path and os.access(path, os.R_OK) and (name not in _FOR_LOGIN or os.path.isfile(path))


_FOR_LOGIN = ("sslcert", "sslkey")


def contents(parameters: Parameters, ca: CA | None) -> Contents:
    """Return what is in the files that `parameters` and `ca` name."""
    paths = {name: parameters[name] for name in FILES if name in parameters}
    if ca and ca.path:
        paths["sslrootcert"] = ca.path
    return {name: _in_directory(path) if name == "sslcrldir" else _in_file(path) for name, path in paths.items()}


def current(connection: SecuredConnection) -> Contents:
    """Return what is in the files of `connection` now."""
    return contents(connection.parameters, connection.tls.ca) if judgement_of(connection).files else {}


def verified(connection: SecuredConnection) -> Contents:
    """Return what is in the files of `connection` now, if they can be used.

    Raises:
        ConfigurationError: they have changed since the connection was judged, and would be refused now.
        TypeError: `connection` was not judged.
    """
    now = current(connection)
    if now != usable_files(connection):
        if found := unusable(connection):
            raise ConfigurationError(found)
        accept_files(connection, now)
    return now


def unusable(connection: SecuredConnection) -> list[Finding]:
    """Return the problems that the files of `connection` have now."""
    judgement, ca = judgement_of(connection), connection.tls.ca
    if not judgement.files:
        return []
    return [*(ca.current_problems() if ca else ()), *problems(judgement.connection, judgement.demanded)]


class _Known(Record):
    """What was found in a file; `is_settled` is whether another content would show in the `signature`."""

    signature: tuple[int, ...]
    content: int
    is_settled: bool


_known: dict[str, _Known] = {}
_MOST = 8192
"""More than a directory of revocation lists has, or each look would read all of them again."""
_TICK = 2_000_000_000
"""The coarsest clock of a file system, in nanoseconds: two contents that are written within it may have one time."""


def _in_file(path: str) -> int | None:
    """Return a number for the content of the file at `path`, `None` if it cannot be read."""
    before = time.time_ns()
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        known = _known.get(path)
        # Opened in any case: the process may have become a user by now that cannot read it, which the file does not
        # show, and libpq ignores a revocation list that it cannot read.
        with open(path, "rb", opener=without_waiting) as stream:
            if known and known.is_settled and known.signature == signature:
                return known.content
            # Python's own hash has a key for each process, and takes no import.
            content = hash(stream.read())
    except (OSError, ValueError):
        return None
    if len(_known) >= _MOST:
        _known.clear()
    _known[path] = _Known(signature, content, max(status.st_mtime_ns, status.st_ctime_ns) < before - _TICK)
    return content


def _in_directory(path: str) -> int | None:
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return None
    return hash(tuple((name, _in_file(os.path.join(path, name))) for name in names))

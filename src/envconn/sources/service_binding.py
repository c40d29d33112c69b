"""``SERVICE_BINDING_ROOT``: a directory for each bound service, with a file for each part.

This follows the Service Binding Specification for Kubernetes 1.1, "Workload Projection". ``certificates`` is
the CA that the server is verified against, as in every library that reads it; with ``private-key``, it is the
client's own certificate, as in the specification, and both stay where they are mounted.
"""

from __future__ import annotations

import os
import re

from envconn.connection import Origin, Parameters
from envconn.errors import Finding, note, problem
from envconn.records import replace
from envconn.sources.bound_service import NAMES, Credentials, bound_service, kind_of
from envconn.sources.files import LIMIT, listing, read_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.connection import Secret
    from envconn.sources.bound_service import BoundService
    from envconn.sources.environment import Environment

ROOT = "SERVICE_BINDING_ROOT"

LARGEST_CA = 1_048_576
"""The largest file of certificates that is read, in bytes: the limit of a Kubernetes Secret."""

_NAME = re.compile(r"[a-z0-9.-]{1,253}")
_WANTED = frozenset(name for part, names in NAMES.items() if part != "word" for name in names)
_PAIR = ("certificates", "private-key")
_CA = frozenset(NAMES["sslrootcert"])


def read(environment: Environment) -> Iterator[BoundService | Finding]:
    """Yield the services that are bound below the root, and their problems."""
    lookup = environment.lookup(ROOT)
    yield from lookup.remarks
    if lookup.found is None:
        return
    stated = lookup.found.text.reveal().strip()
    root = os.path.join(environment.directory, stated)
    names = listing(root, ROOT)
    if isinstance(names, Finding):
        yield names
        return
    # Kubernetes keeps the versions of mounted files in directories that begin with two dots.
    for name in names:
        if not name.startswith("..") and os.path.isdir(path := os.path.join(root, name)):
            if _NAME.fullmatch(name):
                yield from _binding(name, path, Origin(ROOT, "binding", os.path.join(stated, name)))
            else:
                yield note("binding-ignored", ROOT, _MISNAMED)


_MISNAMED = "ignores a directory with an invalid name. Use lower-case letters, digits, hyphens and dots"


def _binding(name: str, path: str, origin: Origin) -> Iterator[BoundService | Finding]:
    variable = f"{ROOT}/{name}"
    files = listing(path, variable)
    if isinstance(files, Finding):
        yield files
    elif "type" not in files:
        yield note("binding-ignored", variable, "is ignored: it has no file called type")
    elif isinstance(word := _value(path, "type", variable), Finding):
        yield word
    elif family := kind_of(word.reveal()):
        yield from _service(name, family, path, files, origin)
    else:
        yield note("binding-ignored", variable, "is ignored: its type is not a supported service")


def _service(
    name: str, family: str, path: str, files: tuple[str, ...], origin: Origin
) -> Iterator[BoundService | Finding]:
    variable = f"{ROOT}/{name}"
    texts: dict[str, str] = {}
    pair = {"sslcert": "certificates", "sslkey": "private-key"} if {*_PAIR} <= {*files} else {}
    for file in sorted(_WANTED.intersection(files) - {*pair.values()}):
        found = _value(path, file, variable)
        if isinstance(found, Finding):
            yield found
        else:
            texts[file] = found.reveal()
    texts |= {part: os.path.join(path, file) for part, file in pair.items()}
    service = bound_service(name, family, Credentials(Parameters(texts)), origin)
    yield service._replace(origin=replace(service.origin, variable=variable))


def _value(path: str, file: str, variable: str) -> Secret | Finding:
    found = read_value(os.path.join(path, file), variable, LARGEST_CA if file in _CA else LIMIT)
    if isinstance(found, Finding):
        return problem(found.code, found.variable, f"its file {file}: {found.message}")
    return found

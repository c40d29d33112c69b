"""Secret directories: files that are named like variables, as Docker, Podman, Kubernetes and systemd mount them.

A directory is listed once, and a file is read only when its variable is needed, so that other secrets are not
read. Names are case-insensitive, because Docker's secrets are usually named like
``database_url``. Names that are not those of variables are ignored, such as
the ``..data`` that Kubernetes replaces when a secret changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from envconn.connection import Origin
from envconn.errors import Finding, problem
from envconn.records import replace
from envconn.sources.environment import Text
from envconn.sources.files import listing, read_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.sources.environment import Environment, Layer


SECRETS = "ENVCONN_SECRETS_DIR"
"""The variable with the directories that are read, separated as in ``PATH``; the first has precedence."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Set by systemd for units with credentials, and for no others (systemd.exec, "Credentials")."""

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class SecretDirectory(Mapping[str, "Text | Finding"]):
    """The files of one directory, by the name of the variable that each is the value of.

    A relative `path` begins at the directory `start`.
    """

    def __init__(self, path: str, files: tuple[str, ...], origin: Origin, start: str = "") -> None:
        self._path, self._start = path, start
        self._origin = origin
        self._files: dict[str, list[str]] = {}
        for file in files:
            if _NAME.fullmatch(file):
                self._files.setdefault(file.upper(), []).append(file)

    def __getitem__(self, name: str) -> Text | Finding:
        first, *others = [self._read(name, file) for file in self._files[name]]
        if any(_value(other) != _value(first) for other in others):
            message = (
                f"two files in {self._origin.variable} have the same name in a different case, and different contents. "
                "Remove one"
            )
            return problem("file-ambiguous", name, message)
        return first

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"<SecretDirectory: {', '.join(self) or 'empty'}>"

    def _read(self, name: str, file: str) -> Text | Finding:
        path = os.path.join(self._path, file)
        text = read_value(os.path.join(self._start, path), name)
        if isinstance(text, Finding):
            return problem(text.code, name, f"its file in {self._origin.variable}: {text.message}")
        return Text(text, replace(self._origin, variable=name, path=path))


def read(environment: Environment) -> tuple[tuple[Layer, ...], tuple[Finding, ...]]:
    """Return the directories that `environment` names, in order of precedence, and their problems."""
    layers: list[Layer] = []
    problems: list[Finding] = []
    for variable, source in ((SECRETS, "secrets"), (CREDENTIALS, "credentials")):
        lookup = environment.lookup(variable)
        problems += lookup.problems
        stated = lookup.found.text.reveal().strip() if lookup.found else ""
        origin = Origin(variable, source, env_file=bool(lookup.found and lookup.found.origin.env_file))
        for path in filter(None, stated.split(os.pathsep)):
            files = listing(os.path.join(environment.directory, path), variable)
            if isinstance(files, Finding):
                problems.append(files)
            else:
                layers.append(SecretDirectory(path, files, origin, environment.directory))
    return tuple(layers), tuple(problems)


def _value(found: Text | Finding) -> object:
    return found if isinstance(found, Finding) else found.text

"""Secret directories: files that are named like variables, as Docker, Podman, Kubernetes and systemd mount them.

A directory is listed once, and a file is read when its variable is asked for: in a directory of a
thousand secrets, the others are none of our business. Names count in any case, because Docker's
secrets are called ``database_url`` by custom. What is no name of a variable is left alone, with it
the ``..data`` that Kubernetes switches when a secret changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from envconn.connection import Origin
from envconn.errors import Finding, problem
from envconn.sources.environment import Text
from envconn.sources.files import listing, read_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.sources.environment import Environment, Layer


SECRETS = "ENVCONN_SECRETS_DIR"
"""Names the directories that are read, separated like those in ``PATH``; the first is believed most."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Set by systemd, for units that have credentials and for no others (systemd.exec, "Credentials")."""

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class SecretDirectory(Mapping[str, "Text | Finding"]):
    """The files of one directory, by the name of the variable that each is the value of."""

    def __init__(self, path: str, files: tuple[str, ...], variable: str, source: str) -> None:
        self._path = path
        self._variable = variable
        self._source = source
        self._files: dict[str, list[str]] = {}
        for file in files:
            if _NAME.fullmatch(file):
                self._files.setdefault(file.upper(), []).append(file)

    def __getitem__(self, name: str) -> Text | Finding:
        first, *others = [self._read(name, file) for file in self._files[name]]
        if any(_value(other) != _value(first) for other in others):
            message = (
                f"two files in {self._variable} have the same name in a different case, and different contents. "
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
        text = read_value(path, name)
        if isinstance(text, Finding):
            return problem(text.code, name, f"its file in {self._variable}: {text.message}")
        return Text(text, Origin(name, self._source, path))


def read(environment: Environment) -> tuple[tuple[Layer, ...], tuple[Finding, ...]]:
    """Return the directories that `environment` names, the most believed first, and what is wrong with them."""
    layers: list[Layer] = []
    problems: list[Finding] = []
    for variable, source in ((SECRETS, "secrets"), (CREDENTIALS, "credentials")):
        lookup = environment.lookup(variable)
        problems += lookup.problems
        stated = lookup.found.text.reveal().strip() if lookup.found else ""
        for path in filter(None, stated.split(os.pathsep)):
            files = listing(path, variable)
            if isinstance(files, Finding):
                problems.append(files)
            else:
                layers.append(SecretDirectory(path, files, variable, source))
    return tuple(layers), tuple(problems)


def _value(found: Text | Finding) -> object:
    return found if isinstance(found, Finding) else found.text

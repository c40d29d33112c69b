"""Read texts from every source: one module for each kind, in the order of `envconn.sources.order.SOURCES`.

Nothing here knows what a text means.
"""

from __future__ import annotations

import os

from envconn.errors import Finding
from envconn.records import replace
from envconn.sources.environment import Environment, Lookup, Text
from envconn.sources.order import SOURCES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from envconn.sources.bound_service import BoundService
    from envconn.sources.environment import Layer

    Path: TypeAlias = str | os.PathLike[str]
    Dotenv: TypeAlias = Path | Sequence[Path] | None
    _Layers: TypeAlias = tuple[Sequence[Layer], Sequence[Finding]]

__all__ = [
    "DOTENV",
    "Environment",
    "Lookup",
    "Text",
    "bound_services",
    "if_left",
    "named",
    "paths",
    "places",
    "read",
    "working_directory",
]

DOTENV = ".env"
"""The file that is read by default, if it exists; in another directory, it may be missing as well."""


def paths(env_file: Dotenv, directory: str = "") -> list[str]:
    """Return the files of `env_file`: those that are named, and those with the default name if they are in `directory`.

    Raises:
        TypeError: it is not a path, a list of paths, or `None`.
        ValueError: a path is empty.
    """
    given = named(env_file)
    return [path for path in given if os.path.basename(path) != DOTENV or _is_file(os.path.join(directory, path))]


def places(env_file: Dotenv, directory: str = "") -> str:
    """Return where variables are looked for, for the message that none is set; the arguments are those of `read`."""
    texts = [path for path in named(env_file) if "://" not in path]  # a connection string instead of a path
    files = [os.path.join(directory or working_directory(), path) for path in texts]
    if found := [path for path in files if _is_file(path)]:
        return f"in the environment or in {', '.join(found)}"
    return f"in the environment, and there is no {files[0]}" if files else "in the environment"


def named(env_file: Dotenv) -> list[str]:
    """Return the files that `env_file` names, whether they exist or not; errors are those of `paths`."""
    given = env_file if isinstance(env_file, list | tuple) else () if env_file is None else (env_file,)
    return [_path(path) for path in given]


def _is_file(path: str) -> bool:
    return os.path.exists(path) and not os.path.isdir(path)


def _path(given: object) -> str:
    path = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(path, str):
        raise TypeError("env_file must be a path, a list of paths, or None")
    if not path:
        raise ValueError("env_file must not be empty. Pass None to read no file")
    return path


def working_directory() -> str:
    """Return the directory that the process is in; empty if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def if_left(directory: str) -> str:
    """Return `directory` if the process is not in it, else nothing: it may be unable to get there from the root."""
    return "" if directory == working_directory() else directory


def read(
    environ: Mapping[str, str] | None = None,
    env_file: Dotenv = DOTENV,
    layers: Sequence[Layer] = (),
    directory: str = "",
) -> tuple[Environment, tuple[Finding, ...]]:
    """Return what variables hold, and the problems of the places that were read, with notes on their names.

    `environ` (default `os.environ`) is the process environment, `env_file` a file or files with defaults (`None`: no
    file), `layers` are texts by name that a program has fetched itself, in order of precedence.
    Of several files, a later one wins. A file that does not exist is an error, unless it has the default name;
    a directory with the default name is a virtual environment. `directory` is the one that relative paths start from,
    empty for that of the process.
    """
    assignments, problems = _dotenv(env_file, directory)
    process = os.environ if environ is None else environ
    above: list[Layer] = []
    environment = Environment(process, (assignments,), directory)
    for source in SOURCES:
        if find := _LAYERS.get(source.word):
            found, wrong = find(environment, layers)
            above += found
            environment = Environment(process, (*above, assignments), directory) if found else environment
            problems += wrong
    return environment, tuple(problems)


def bound_services(environment: Environment) -> Iterator[BoundService | Finding]:
    """Yield the services that platforms have bound, and their problems, in order of precedence."""
    for source in SOURCES:
        if source.word in _BOUND and any(map(environment.is_set, source.switches)):
            env_file = any(map(environment.in_env_file, source.switches))
            for found in _BOUND[source.word](environment):
                yield found if isinstance(found, Finding) else _placed(found, env_file=env_file)


def _placed(service: BoundService, *, env_file: bool) -> BoundService:
    return service._replace(origin=replace(service.origin, env_file=env_file))


def _dotenv(env_file: Dotenv, directory: str) -> tuple[dict[str, Text], list[Finding]]:
    assignments: dict[str, Text] = {}
    problems: list[Finding] = []
    for path in paths(env_file, directory):
        from envconn.sources.dotenv import read as read_dotenv

        found, wrong = read_dotenv(path, directory)
        assignments |= found
        problems += wrong
    return assignments, problems


def _secret_directories(environment: Environment, _: Sequence[Layer]) -> _Layers:
    if not environment.is_set("ENVCONN_SECRETS_DIR") and not environment.is_set("CREDENTIALS_DIRECTORY"):
        return (), ()
    from envconn.sources.secrets_directory import read as read_directories

    return read_directories(environment)


def _app_service(environment: Environment, _: Sequence[Layer]) -> _Layers:
    if not any(environment.names_with("CONNSTR_")):
        return (), ()
    from envconn.sources.azure_app_service import read as read_app_service

    return read_app_service(environment), ()


def _service_binding(environment: Environment) -> Iterator[BoundService | Finding]:
    from envconn.sources.service_binding import read as read_directories

    return read_directories(environment)


def _cloud_foundry(environment: Environment) -> Iterator[BoundService | Finding]:
    from envconn.sources.cloud_foundry import read as read_json

    return read_json(environment)


def _upsun(environment: Environment) -> Iterator[BoundService | Finding]:
    from envconn.sources.upsun import read as read_relationships

    return read_relationships(environment)


_LAYERS: Mapping[str, Callable[[Environment, Sequence[Layer]], _Layers]] = {
    "secrets": _secret_directories,  # and systemd's ``credentials``, which come next
    "program": lambda _, layers: (layers, ()),
    "app-service": _app_service,
}
"""The reader of each source, by its word: texts by the names of variables."""

_BOUND: Mapping[str, Callable[[Environment], Iterator[BoundService | Finding]]] = {
    "binding": _service_binding,
    "vcap": _cloud_foundry,
    "relationship": _upsun,
}
"""The reader of each source, by its word: services that a platform has bound."""

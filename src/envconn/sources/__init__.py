"""Where texts come from. Each source feeds one `Environment`; nothing here knows what a text means."""

from __future__ import annotations

import os

from envconn.sources.environment import Environment, Lookup, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    from envconn.errors import Finding
    from envconn.sources.bound_service import Bound
    from envconn.sources.environment import Layer

    Path: TypeAlias = str | os.PathLike[str]
    Dotenv: TypeAlias = Path | Sequence[Path] | None

__all__ = ["DOTENV", "VARIABLES", "Environment", "Lookup", "Text", "gather", "paths", "read"]

DOTENV = ".env"
"""The file that is read when nobody names one, if it is there."""


def paths(env_file: Dotenv) -> list[str]:
    """Return the files that `env_file` means: those that somebody names, and the default one where it is there."""
    named: Sequence[Path] = [env_file] if isinstance(env_file, str | os.PathLike) else env_file or ()
    every = [os.fspath(path) for path in named]
    return [path for path in every if path != DOTENV or (os.path.exists(path) and not os.path.isdir(path))]


def read(
    environ: Mapping[str, str] | None = None, env_file: Dotenv = DOTENV, layers: Sequence[Layer] = ()
) -> tuple[Environment, tuple[Finding, ...]]:
    """Gather the sources: `environ` (default `os.environ`) over the file or files `env_file` (`None`: no file).

    Below them come secret directories, then `layers`: texts by name that a program has fetched itself,
    the most believed first. `precedence` has the whole list.
    Of several files, a later one wins. A file that is not there is an error, except the default one;
    a directory of the default name is somebody's virtual environment.
    """
    process = os.environ if environ is None else environ
    assignments: dict[str, Text] = {}
    problems: list[Finding] = []
    for path in paths(env_file):
        from envconn.sources.dotenv import read as read_dotenv

        found, wrong = read_dotenv(path)
        assignments |= found
        problems += wrong
    environment = Environment(process, (assignments,))
    if environment.is_set("ENVCONN_SECRETS_DIR") or environment.is_set("CREDENTIALS_DIRECTORY"):
        from envconn.sources.secrets_directory import read as read_directories

        directories, wrong = read_directories(environment)
        environment, problems = environment.over(*directories), [*problems, *wrong]
    if layers:
        environment = environment.over(*layers)
    if any(environment.names_with("CONNSTR_")):
        from envconn.sources.azure_app_service import read as read_app_service

        environment = environment.over(*read_app_service(environment))
    return environment, tuple(problems)


VARIABLES = (
    "SERVICE_BINDING_ROOT",
    "VCAP_SERVICES",
    "VCAP_SERVICES_FILE_PATH",
    "PLATFORM_RELATIONSHIPS",
    "PLATFORM_PROJECT",
)
"""The variables that say that a platform has bound something, or may have."""


def gather(environment: Environment) -> Iterator[Bound | Finding]:
    """Yield what all platforms have bound, the most believed first (`envconn.sources.order`)."""
    if environment.is_set("SERVICE_BINDING_ROOT"):
        from envconn.sources.service_binding import read as read_service_binding

        yield from read_service_binding(environment)
    if environment.is_set("VCAP_SERVICES") or environment.is_set("VCAP_SERVICES_FILE_PATH"):
        from envconn.sources.cloud_foundry import read as read_vcap

        yield from read_vcap(environment)
    if environment.is_set("PLATFORM_RELATIONSHIPS") or environment.is_set("PLATFORM_PROJECT"):
        from envconn.sources.upsun import read as read_relationships

        yield from read_relationships(environment)

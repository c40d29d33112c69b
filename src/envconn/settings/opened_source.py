"""The content of pydantic-settings' sources: the names in each, the kind of source, and one text at a time.

Most keep a mapping of names to texts, and some ask a secret manager for each text when it is
looked up. So names are listed, and a text is fetched only under a name that envconn reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

from pydantic_settings import (
    CliSettingsSource,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    SecretsSettingsSource,
)

from envconn.errors import Finding
from envconn.records import Record
from envconn.settings.extra_names import variables
from envconn.sources import files
from envconn.sources.dotenv import read as read_dotenv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pydantic_settings import PydanticBaseSettingsSource

    from envconn.sources import Text

    _Found = tuple[Mapping[str, Callable[[], object]], tuple[Finding, ...]]

WORDS: Mapping[str, tuple[str, str]] = {
    "AWSSecretsManagerSettingsSource": ("aws-secrets-manager", "_secret_id"),
    "AWSSystemsManagerSettingsSource": ("aws-parameter-store", "_ssm_path"),
    "AzureKeyVaultSettingsSource": ("azure-key-vault", "_url"),
    "GoogleSecretManagerSettingsSource": ("google-secret-manager", "_project_id"),
    "SecretsSettingsSource": ("secrets-directory", "secrets_dir"),
    "NestedSecretsSettingsSource": ("secrets-directory", "secrets_dir"),
    "JsonConfigSettingsSource": ("settings-file", "json_file_path"),
    "YamlConfigSettingsSource": ("settings-file", "yaml_file_path"),
    "TomlConfigSettingsSource": ("settings-file", "toml_file_path"),
    "DotEnvSettingsSource": ("dotenv", "env_file"),
}
"""By the class of a source: its word in `Origin.source`, and the attribute that names the secret or file.

Any other source with variables is a ``settings-source``.
"""


class OpenedSource(Record):
    """The content of one source.

    `word` and `path` are those of an `Origin`. `texts` has a function for each name, already in the form of a
    variable's: it returns the text, a `Finding`, or a `Text` with its own origin, and
    raises whatever the library behind the source does. `problems` were found while opening.
    """

    word: str
    path: str | None
    texts: Mapping[str, Callable[[], object]]
    problems: tuple[Finding, ...] = ()


def may_hold_connections(source: object) -> bool:
    """Whether `source` may hold connections: it is not for arguments, the command line or the environment."""
    return type(source) not in {EnvSettingsSource, InitSettingsSource} and (
        isinstance(source, tuple(_READERS)) and not isinstance(source, CliSettingsSource)
    )


def open_source(source: PydanticBaseSettingsSource) -> OpenedSource:
    """Return the content of `source`, which may hold connections. Nothing is fetched, but names may be listed.

    Raises:
        Exception: the names cannot be listed; any exception of the library behind the source.
    """
    word, attribute = next(
        (WORDS[ancestor.__name__] for ancestor in type(source).__mro__ if ancestor.__name__ in WORDS),
        ("settings-source", ""),
    )
    path = getattr(source, attribute, None) if attribute else type(source).__name__
    texts, problems = next(read for kind, read in _READERS.items() if isinstance(source, kind))(source)
    return OpenedSource(word, os.fspath(path) if isinstance(path, str | os.PathLike) else None, texts, problems)


def _dotenv(source: DotEnvSettingsSource) -> _Found:
    # Not the result of pydantic-settings, which is interpolated.
    found: dict[str, Text] = {}
    problems: list[Finding] = []
    for path in filter(os.path.exists, _paths(source.env_file)):
        assignments, wrong = read_dotenv(path)
        found |= assignments
        problems += wrong
    return {name: partial(found.get, name) for name in found}, tuple(problems)


def _variables(source: EnvSettingsSource) -> _Found:
    own = source.env_prefix if source.env_prefix != source.config.get("env_prefix") else ""
    return _texts(source.env_vars, own), ()


def _texts(found: Mapping[str, object], prefix: str = "") -> dict[str, Callable[[], object]]:
    # A null in a document means not set; None from a secret manager means that it returned no text.
    look_up = partial(_or_blank, found) if isinstance(found, dict) else found.__getitem__
    return {name: partial(look_up, key) for name, key in variables(found, prefix).items()}


def _or_blank(found: Mapping[str, object], key: str) -> object:
    return "" if found[key] is None else found[key]


def _directory(source: SecretsSettingsSource) -> _Found:
    texts: dict[str, Callable[[], object]] = {}
    for directory in filter(os.path.isdir, _paths(source.secrets_dir)):
        for name, key in variables(os.listdir(directory)).items():
            texts[name] = partial(_content, os.path.join(directory, key), name)
    return texts, ()


def _content(path: str, variable: str) -> object:
    content = files.read_text(path, variable, files.LIMIT)
    return content if isinstance(content, Finding) else content.reveal().strip()


def _file(source: InitSettingsSource) -> _Found:
    """Return the fields of `Settings` under the variables that they are read from."""
    found: dict[Any, Any] = source.init_kwargs  # YAML has keys that are not texts
    content = {key.removeprefix("envconn:"): value for key, value in found.items() if isinstance(key, str)}
    databases = content.pop("databases", None)
    if isinstance(databases, dict):
        content |= {f"{name}_database_url": text for name, text in databases.items()}
    return _texts({_FIELDS.get(key, key): value for key, value in content.items()}), ()


_FIELDS = {"database": "DATABASE_URL", "broker": "BROKER_URL", "results": "CELERY_RESULT_BACKEND", "cache": "CACHE_URL"}

_READERS: Mapping[type, Callable[[Any], _Found]] = {
    DotEnvSettingsSource: _dotenv,
    EnvSettingsSource: _variables,
    SecretsSettingsSource: _directory,
    InitSettingsSource: _file,
}


def _paths(paths: object) -> list[str]:
    several = [paths] if isinstance(paths, str | os.PathLike) else paths if isinstance(paths, Iterable) else ()
    return [os.path.expanduser(path) for path in several]

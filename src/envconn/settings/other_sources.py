"""Other sources of settings as layers of `envconn.sources.read`, and `parts`, for a secret that is one service.

Most keep a mapping of names to texts, and some ask a secret manager for each text when it is looked up. So names are
listed, a text is fetched only under a name that envconn reads, and failures are collected.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial

from pydantic_settings import (
    CliSettingsSource,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
)

from envconn.connection import Origin, Secret
from envconn.errors import Finding, problem
from envconn.families import VARIABLES
from envconn.records import Record
from envconn.selection.databases import DATABASE
from envconn.settings.extra_names import folded, variables
from envconn.sources import Text, files
from envconn.sources.bound_service import NAMES
from envconn.sources.dotenv import read as read_dotenv
from envconn.sources.order import title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pydantic.fields import FieldInfo

    _Found = tuple[Mapping[str, Callable[[], object]], tuple[Finding, ...]]


def is_layer(source: object) -> bool:
    """Whether `source` may hold connections."""
    return isinstance(source, PartsSource) or may_hold_connections(source)


def is_read_anew(source: object) -> bool:
    """Whether `layer` reads the files of `source` each time; other sources cache what they have found."""
    inner = source.source if isinstance(source, PartsSource) else source
    return isinstance(inner, SecretsSettingsSource | DotEnvSettingsSource)


def layer(source: PydanticBaseSettingsSource, directory: str = "") -> Layer | Finding:
    """Return the layer for `source`, for which `is_layer` is true, or why its names cannot be listed.

    `directory` is the one that relative paths start from, empty for that of the process.
    """
    inner = source.source if isinstance(source, PartsSource) else source
    try:
        opened = open_source(inner, directory)
    except Exception as error:  # noqa: BLE001 - whatever an SDK raises, which may quote what it got
        message = f"the names of its secrets cannot be listed ({_describe(error)}). Grant this permission"
        return problem("secrets-unlisted", type(inner).__name__, message)
    return Layer(join_parts(opened, source.name) if isinstance(source, PartsSource) else with_rds_secret(opened))


class Layer(Mapping[str, Text | Finding]):
    """Texts by the name of a variable, each fetched when it is needed, or its problem.

    `problems` are those of the source itself.
    """

    def __init__(self, opened: OpenedSource) -> None:
        self._opened = opened
        self._known: dict[str, Text | Finding] = {}
        self.problems = opened.problems

    def __getitem__(self, name: str) -> Text | Finding:
        if name not in self._known:
            self._known[name] = self._fetch(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._opened.texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened.texts)

    def __len__(self) -> int:
        return len(self._opened.texts)

    def __repr__(self) -> str:
        return f"<Layer: {self._opened.word}>"

    def _fetch(self, name: str) -> Text | Finding:
        try:
            value = self._opened.texts[name]()
        except Exception as error:  # noqa: BLE001 - whatever an SDK raises, which may quote what it got
            return self._unavailable(name, _describe(error))
        if value is None:
            return self._unavailable(name, "the secret has no text")
        if isinstance(value, Finding):
            return problem(value.code, name, value.message)
        if isinstance(value, Text):
            return value
        return Text(Secret(_as_text(value)), Origin(name, self._opened.word, self._opened.path))

    def _unavailable(self, name: str, reason: str) -> Finding:
        place = title(self._opened.word)
        message = f"cannot be read from {place} ({reason}). Grant access to the secret, and store it as UTF-8 text"
        return problem("secret-unavailable", name, message)


def _describe(error: Exception) -> str:
    """Return what is safe to say about `error`: its class, and the status of the response."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return f"{type(error).__name__} {status}" if isinstance(status, int) else type(error).__name__


def _as_text(value: object) -> str:
    """Return `value` in the form of a variable's text."""
    if type(value).__name__ == "EnvNoneType":  # pydantic-settings' marker for a text that means None
        return ""
    if isinstance(value, Mapping | list):
        import json

        return json.dumps(value, default=str)
    return str(value)


_RDS = frozenset({"ENGINE", "HOST", "USERNAME", "PASSWORD"})
_HOST_PARTS = frozenset({"host", "hostname", "uri", "url"})

# A secret that RDS manages has neither host nor database: DATABASE_HOST and DATABASE_NAME complete it.
_COMPLETED = {"username": "DATABASE_USERNAME", "password": "DATABASE_PASSWORD"}


def parts(source: PydanticBaseSettingsSource, name: str = DATABASE) -> PydanticBaseSettingsSource:
    """Return a source for the service `name`, built from everything in `source`.

    Its names are those that RDS uses (``engine``, ``host``, ``port``, ``dbname``, ``username``,
    ``password``), Cloud Foundry's, or the Service Binding Specification's. `name` is ``database``, ``broker``,
    ``results``, ``cache``, or the name of another database. Parts of ``database`` without a host are completed by
    ``DATABASE_HOST``, ``DATABASE_NAME`` and ``DATABASE_PORT``. A secret in AWS Secrets Manager that looks like one of
    RDS is used as ``database`` without this.
    """
    return PartsSource(source, name)


class PartsSource(PydanticBaseSettingsSource):
    """The source that `parts` returns; it fills no field of an application."""

    def __init__(self, source: PydanticBaseSettingsSource, name: str) -> None:
        super().__init__(source.settings_cls)
        self.source = source
        self.name = name

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return nothing: the source holds no fields."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Call the source, and keep its result from the fields."""
        # Google's creates its client only now, from what the sources before it have found.
        self.source._set_current_state(self.current_state)  # noqa: SLF001
        self.source._set_settings_sources_data(self.settings_sources_data)  # noqa: SLF001
        self.source()
        return {}


def with_rds_secret(opened: OpenedSource) -> OpenedSource:
    """Return `opened`, with a secret of RDS also as the default database."""
    if opened.word != "aws-secrets-manager" or not opened.texts.keys() >= _RDS or "DATABASE_URL" in opened.texts:
        return opened
    return opened._replace(texts={**opened.texts, **join_parts(opened, DATABASE).texts})


def join_parts(opened: OpenedSource, name: str) -> OpenedSource:
    """Return the service `name` from the parts in `opened`, and nothing else."""
    known = {spelling for names in NAMES.values() for spelling in names}
    found = {part.lower(): text for part, text in opened.texts.items() if part.lower() in known}
    if name == DATABASE and not _HOST_PARTS & found.keys():
        return opened._replace(texts={_COMPLETED[part]: text for part, text in found.items() if part in _COMPLETED})
    variable = VARIABLES.get(name) or f"{folded(name)}_DATABASE_URL"
    return opened._replace(texts={variable: partial(_as_object, found)})


def _as_object(found: Mapping[str, Callable[[], object]]) -> object:
    """Return the parts as one object, or the first `Finding`."""
    values = {part: text() for part, text in found.items()}
    wrong = ((part, value) for part, value in values.items() if isinstance(value, Finding))
    return next((problem(value.code, part, f"{part}: {value.message}") for part, value in wrong), values)


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


def open_source(source: PydanticBaseSettingsSource, directory: str = "") -> OpenedSource:
    """Return the content of `source`, which may hold connections. Nothing is fetched, but names may be listed.

    Raises:
        Exception: the names cannot be listed; any exception of the library behind the source.
    """
    word, attribute = next(
        (WORDS[ancestor.__name__] for ancestor in type(source).__mro__ if ancestor.__name__ in WORDS),
        ("settings-source", ""),
    )
    path = getattr(source, attribute, None) if attribute else type(source).__name__
    texts, problems = next(read for kind, read in _READERS.items() if isinstance(source, kind))(source, directory)
    return OpenedSource(word, os.fspath(path) if isinstance(path, str | os.PathLike) else None, texts, problems)


def _dotenv(source: DotEnvSettingsSource, directory: str) -> _Found:
    # Not the result of pydantic-settings, which is interpolated.
    found: dict[str, Text] = {}
    problems: list[Finding] = []
    for path in _paths(source.env_file):
        assignments, wrong = read_dotenv(path, directory) if os.path.exists(os.path.join(directory, path)) else ({}, ())
        found |= assignments
        problems += (each for each in wrong if each.severity == "error")
    return {name: partial(found.get, name) for name in found}, tuple(problems)


def _variables(source: EnvSettingsSource, _: str) -> _Found:
    own = source.env_prefix if source.env_prefix != source.config.get("env_prefix") else ""
    return _texts(source.env_vars, own), ()


def _texts(found: Mapping[str, object], prefix: str = "") -> dict[str, Callable[[], object]]:
    # A null in a document means not set; None from a secret manager means that it returned no text.
    look_up = partial(_or_blank, found) if isinstance(found, dict) else found.__getitem__
    return {name: partial(look_up, key) for name, key in variables(found, prefix).items()}


def _or_blank(found: Mapping[str, object], key: str) -> object:
    return "" if found[key] is None else found[key]


def _directory(source: SecretsSettingsSource, directory: str) -> _Found:
    texts: dict[str, Callable[[], object]] = {}
    places = [os.path.join(directory, path) for path in _paths(source.secrets_dir)]
    for path in filter(os.path.isdir, places):
        for name, key in variables(os.listdir(path)).items():
            texts[name] = partial(_content, os.path.join(path, key), name)
    return texts, ()


def _content(path: str, variable: str) -> object:
    content = files.read_text(path, variable, files.LIMIT)
    return content if isinstance(content, Finding) else content.reveal().strip()


def _file(source: InitSettingsSource, _: str) -> _Found:
    """Return the fields of `Settings` under the variables that they are read from."""
    found: dict[Any, Any] = source.init_kwargs  # YAML has keys that are not texts
    content = {key.removeprefix("envconn:"): value for key, value in found.items() if isinstance(key, str)}
    databases = content.pop("databases", None)
    if isinstance(databases, dict):
        content |= {f"{name}_database_url": text for name, text in databases.items()}
    return _texts({VARIABLES.get(key, key): value for key, value in content.items()}), ()


_READERS: Mapping[type, Callable[[Any, str], _Found]] = {
    DotEnvSettingsSource: _dotenv,
    EnvSettingsSource: _variables,
    SecretsSettingsSource: _directory,
    InitSettingsSource: _file,
}


def _paths(paths: object) -> list[str]:
    several = [paths] if isinstance(paths, str | os.PathLike) else paths if isinstance(paths, Iterable) else ()
    return [os.path.expanduser(path) for path in several]

"""The texts of one source as a layer of `envconn.sources.read`: fetched when they are asked for, failures collected."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pydantic_settings import DotEnvSettingsSource, PydanticBaseSettingsSource, SecretsSettingsSource

from envconn.connection import Origin, Secret
from envconn.errors import Finding, problem
from envconn.selection.databases import DATABASE
from envconn.settings.extra_names import folded
from envconn.settings.opened_source import holds, open_source
from envconn.sources import Text
from envconn.sources.bound_service import NAMES
from envconn.sources.order import title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pydantic.fields import FieldInfo

    from envconn.settings.opened_source import Held


def is_layer(source: object) -> bool:
    """Whether connections may come from `source`."""
    return isinstance(source, Parts) or holds(source)


def is_read_anew(source: object) -> bool:
    """Whether `layer` looks at the files of `source` each time. What else there is keeps what it has found once."""
    inner = source.source if isinstance(source, Parts) else source
    return isinstance(inner, SecretsSettingsSource | DotEnvSettingsSource)


def layer(source: PydanticBaseSettingsSource) -> Layer | Finding:
    """Return what `source` holds, for which `is_layer` is true, or why its names cannot be listed."""
    inner = source.source if isinstance(source, Parts) else source
    try:
        held = open_source(inner)
    except Exception as error:  # noqa: BLE001 - whatever an SDK raises, which may quote what it got
        told = f"the names of its secrets cannot be listed ({_told(error)}); grant that permission"
        return problem("secrets-unlisted", type(inner).__name__, told)
    return Layer(put_together(held, source.name) if isinstance(source, Parts) else detected(held))


class Layer(Mapping[str, Text | Finding]):
    """Texts by the name of a variable, each fetched when it is asked for, or what is wrong with it.

    `problems` are there from the beginning.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._known: dict[str, Text | Finding] = {}
        self.problems = held.problems

    def __getitem__(self, name: str) -> Text | Finding:
        if name not in self._known:
            self._known[name] = self._fetched(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._held.texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._held.texts)

    def __len__(self) -> int:
        return len(self._held.texts)

    def __repr__(self) -> str:
        return f"<Layer: {self._held.word}>"

    def _fetched(self, name: str) -> Text | Finding:
        try:
            value = self._held.texts[name]()
        except Exception as error:  # noqa: BLE001 - whatever an SDK raises, which may quote what it got
            return self._unavailable(name, _told(error))
        if value is None:
            return self._unavailable(name, "it is listed, and there is no text")
        if isinstance(value, Finding):
            return problem(value.code, name, value.message)
        if isinstance(value, Text):
            return value
        return Text(Secret(_written(value)), Origin(name, self._held.word, self._held.path))

    def _unavailable(self, name: str, told: str) -> Finding:
        place = title(self._held.word)
        message = f"cannot be had from {place} ({told}); grant access to the secret, and let it be UTF-8 text"
        return problem("secret-unavailable", name, message)


def _told(error: Exception) -> str:
    """Return what can be told of `error`: its class, and the status of the response."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return f"{type(error).__name__} {status}" if isinstance(status, int) else type(error).__name__


def _written(value: object) -> str:
    """Return `value` as a variable would hold it."""
    if type(value).__name__ == "EnvNoneType":  # pydantic-settings' mark for a text that stands for None
        return ""
    if isinstance(value, Mapping | list):
        import json

        return json.dumps(value, default=str)
    return str(value)


_RDS = frozenset({"ENGINE", "HOST", "USERNAME", "PASSWORD"})
_PLACES = frozenset({"host", "hostname", "uri", "url"})
_VARIABLES = {DATABASE: "DATABASE_URL", "broker": "BROKER_URL", "cache": "CACHE_URL"}

# A secret that RDS manages knows neither host nor database: DATABASE_HOST and DATABASE_NAME complete it.
_BESIDE = {"username": "DATABASE_USERNAME", "password": "DATABASE_PASSWORD"}


def parts(source: PydanticBaseSettingsSource, name: str = DATABASE) -> PydanticBaseSettingsSource:
    """Return a source for the service `name` alone, made of all that `source` holds.

    Those are parts under the names that RDS uses (``engine``, ``host``, ``port``, ``dbname``, ``username``,
    ``password``), Cloud Foundry's, or the Service Binding Specification's. `name` is ``database``, ``broker``,
    ``cache``, or what a database shall be called. Parts of ``database`` without a host are completed by
    ``DATABASE_HOST``, ``DATABASE_NAME`` and ``DATABASE_PORT``. A secret in AWS Secrets Manager that looks like one of
    RDS is taken for ``database`` without this.
    """
    return Parts(source, name)


class Parts(PydanticBaseSettingsSource):
    """The source that `parts` returns; no field of an application is filled from it."""

    def __init__(self, source: PydanticBaseSettingsSource, name: str) -> None:
        super().__init__(source.settings_cls)
        self.source = source
        self.name = name

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return nothing: what the source holds are no fields."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Call the source, and keep what it returns from the fields."""
        # Google's makes its client only now, of what is known from the sources before it.
        self.source._set_current_state(self.current_state)  # noqa: SLF001
        self.source._set_settings_sources_data(self.settings_sources_data)  # noqa: SLF001
        self.source()
        return {}


def detected(held: Held) -> Held:
    """Return `held`, in which a secret of RDS is the default database besides."""
    if held.word != "aws-secrets-manager" or not held.texts.keys() >= _RDS or "DATABASE_URL" in held.texts:
        return held
    return held._replace(texts={**held.texts, **put_together(held, DATABASE).texts})


def put_together(held: Held, name: str) -> Held:
    """Return the service `name` of the parts that `held` holds, and nothing else."""
    known = {spelling for names in NAMES.values() for spelling in names}
    found = {part.lower(): text for part, text in held.texts.items() if part.lower() in known}
    if name == DATABASE and not _PLACES & found.keys():
        return held._replace(texts={_BESIDE[part]: text for part, text in found.items() if part in _BESIDE})
    variable = _VARIABLES.get(name) or f"{folded(name)}_DATABASE_URL"
    return held._replace(texts={variable: partial(_whole, found)})


def _whole(found: Mapping[str, Callable[[], object]]) -> object:
    """Return the parts as one object, or the first `Finding` with one."""
    values = {part: text() for part, text in found.items()}
    wrong = ((part, value) for part, value in values.items() if isinstance(value, Finding))
    return next((problem(value.code, part, f"{part}: {value.message}") for part, value in wrong), values)

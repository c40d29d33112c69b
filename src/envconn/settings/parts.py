"""A whole secret that is one service in parts, as RDS keeps its own in AWS Secrets Manager."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_settings import PydanticBaseSettingsSource

from envconn.assembly import DATABASE
from envconn.errors import Problem
from envconn.settings.naming import folded
from envconn.sources.vocabulary import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic.fields import FieldInfo

    from envconn.settings.held import Held

__all__ = ["Parts", "detected", "parts", "put_together"]

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
    """Return the parts as one object, or the first `Problem` with one."""
    values = {part: text() for part, text in found.items()}
    wrong = ((part, value) for part, value in values.items() if isinstance(value, Problem))
    return next((Problem(value.code, part, f"{part}: {value.message}") for part, value in wrong), values)

"""The pydantic-settings door. pydantic is imported here and nowhere else.

It holds no rule: one settings source calls what `envconn.load` calls. Connection strings never
enter pydantic as text, because its errors quote the input they reject: the whole input, when a
field is missing; ``hide_input_in_errors`` covers ``str()`` but neither ``.errors()`` nor ``.json()``.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic evaluates the annotation
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core import core_schema as schemas
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from envconn.assembly.names import is_read
from envconn.connection import Connection, Origin, Secret
from envconn.errors import ConfigurationError
from envconn.grammar import read
from envconn.services import Services, load
from envconn.tls import Context, Policy, SecuredConnection, judge

if TYPE_CHECKING:
    from typing import Any

    from pydantic.fields import FieldInfo
    from pydantic_core import CoreSchema, ErrorDetails

__all__ = ["Settings", "core_schema"]

# No variable can have these names, so that DATABASE=app or CACHE=1, which mean other things, stay
# out: pydantic-settings looks for a variable named like each field.
_ALIASES = {name: f"envconn:{name}" for name in ("database", "databases", "broker", "cache", "services")}


class Settings(BaseSettings):
    """The configured services beside an application's own fields; subclass it.

    ``class Settings(envconn.Settings): debug: bool = False`` reads ``DEBUG`` as pydantic-settings
    does, and the connections as `envconn.load` does, ``env_file`` included. An environment that
    `load` would refuse raises the same `ConfigurationError`; a `pydantic.ValidationError` is about
    other fields, and holds no input of any of them.

    `database` is `None` only under ``ENVCONN_PHASE=build``; `broker` and `cache` where none is configured.
    """

    model_config = SettingsConfigDict(arbitrary_types_allowed=True, extra="ignore", hide_input_in_errors=True)

    database: Annotated[
        SecuredConnection, WrapValidator(lambda value, inner: value if value is None else inner(value))
    ] = Field(validation_alias=_ALIASES["database"])
    databases: Mapping[str, SecuredConnection] = Field(validation_alias=_ALIASES["databases"])
    broker: SecuredConnection | None = Field(validation_alias=_ALIASES["broker"])
    cache: SecuredConnection | None = Field(validation_alias=_ALIASES["cache"])
    services: Services = Field(validation_alias=_ALIASES["services"], exclude=True, repr=False)

    def __init__(self, **values: Any) -> None:
        failure: ValidationError | None = None
        try:
            super().__init__(**{_ALIASES.get(name, name): value for name, value in values.items()})
        except ValidationError as error:
            failure = _without_input(error)
        del values
        if failure is not None:
            raise failure

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the connections behind the arguments of the call, and keep their text out of every other source."""
        ours = _Connections(settings_cls, getattr(dotenv_settings, "env_file", None))
        others = (env_settings, dotenv_settings, file_secret_settings)
        return (init_settings, ours, *(_Others(settings_cls, source) for source in others))


class _Connections(PydanticBaseSettingsSource):
    """What `load` would return, as the values of the fields."""

    def __init__(self, settings_cls: type[BaseSettings], dotenv: Any) -> None:
        super().__init__(settings_cls)
        self._dotenv = dotenv or ".env"

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return nothing: the fields are filled together, by the call."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        if _ALIASES["services"] in self.current_state:
            services: Services = self.current_state[_ALIASES["services"]]
        else:
            services = load(dotenv=self._dotenv)
        return {
            _ALIASES["database"]: services.get("database"),
            _ALIASES["databases"]: dict(services.databases),
            _ALIASES["broker"]: services.broker,
            _ALIASES["cache"]: services.cache,
            _ALIASES["services"]: services,
        }


class _Others(PydanticBaseSettingsSource):
    """Another source without the variables that envconn reads, which ``extra="allow"`` would make fields of."""

    def __init__(self, settings_cls: type[BaseSettings], inner: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._inner = inner

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Ask the other source."""
        return self._inner.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        own = set(self.settings_cls.model_fields)
        return {name: value for name, value in self._inner().items() if name in own or not is_read(name.upper())}


def core_schema(field_name: str | None) -> CoreSchema:
    """Return pydantic's schema for a field of type `SecuredConnection` in anybody's model.

    A text is parsed and judged; a missing value is taken from `envconn.load()`, under the name of
    the field if a service is called that, else the default database.
    """

    def missing() -> SecuredConnection:
        services = load()
        return services.get(field_name or "") or services.database

    validator = schemas.no_info_plain_validator_function(
        lambda value: _validated(value, field_name), serialization=schemas.to_string_ser_schema(when_used="json")
    )
    return schemas.with_default_schema(validator, default_factory=missing)


def _validated(value: object, field_name: str | None) -> SecuredConnection:
    if isinstance(value, SecuredConnection):
        return value
    text, value = Secret(value) if isinstance(value, str) else None, None
    if text is None:
        raise PydanticCustomError("secured_connection", "expected a connection string or a SecuredConnection")
    outcome = read(text, Origin(field_name or "connection string"))
    judgement = (
        judge(outcome, Context(Policy()), field_name or "database") if isinstance(outcome, Connection) else outcome
    )
    if isinstance(judgement, SecuredConnection):
        return judgement
    raise ConfigurationError(judgement)


def _without_input(error: ValidationError) -> ValidationError:
    details = [_detail(found) for found in error.errors(include_url=False, include_input=False)]
    return ValidationError.from_exception_data(error.title, details, hide_input=True)


def _detail(found: ErrorDetails) -> InitErrorDetails:
    message = PydanticCustomError(found["type"], "{message}", {"message": found["msg"]})
    return InitErrorDetails(type=message, loc=found["loc"], input=None)

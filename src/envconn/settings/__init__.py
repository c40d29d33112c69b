"""`Settings` for pydantic-settings. Only this package imports pydantic.

It contains no rules: its settings source calls what `envconn.load` calls. Connection strings never
enter pydantic as text, because its errors and its debug log quote their input.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getattr_static
from typing import Annotated, Any, cast

from pydantic import Field, GetPydanticSchema, WithJsonSchema, WrapValidator
from pydantic_settings import BaseSettings, CliSuppress, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from envconn import pydantic_hooks as pydantic_hooks
from envconn import sources
from envconn.report import Report
from envconn.selection import Selection
from envconn.services import Services, missing
from envconn.settings.connections_source import Connections, as_secrets, core_schema
from envconn.settings.extra_names import FIELDS
from envconn.settings.other_sources import parts
from envconn.settings.safe_errors import HiddenInputModel, malformed, unreadable
from envconn.tls import SecuredConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema
    from pydantic_settings import DotEnvSettingsSource, InitSettingsSource

    _Sources = tuple[PydanticBaseSettingsSource, ...]

__all__ = ["HiddenInputModel", "Settings", "add_connections", "core_schema", "parts", "with_connections"]

if TYPE_CHECKING:
    _Databases = Mapping[str, SecuredConnection]
    _Services = Services
    _MayBeMissing = SecuredConnection
else:
    _MayBeMissing = SecuredConnection | None
    _Databases = Annotated[Any, GetPydanticSchema(lambda _, handler: handler(Mapping[str, SecuredConnection]))]
    _Services = Annotated[Any, GetPydanticSchema(lambda _, handler: handler(Services))]


_SINGLE = ("database", "broker", "results", "cache")


# The factories are called by `model_construct`, which reads nothing; otherwise the source fills every field.
def _nothing() -> Any:
    return None


def _no_services() -> Services:
    return Services(Selection({}, Report()))


def _optional(value: object, inner: Any) -> object:
    return value if value is None else inner(value)


class Settings(HiddenInputModel, BaseSettings):
    """A pydantic-settings model with the configured services. Subclass it, and add your own fields.

    ``class Settings(envconn.Settings): debug: bool = False`` reads ``DEBUG`` as pydantic-settings
    does, and the connections as `envconn.load` does. Files in ``env_file`` (default:
    ``.env``) that do not exist are ignored. Arguments win: a connection, the text of one, or
    ``services=envconn.load(...)``, with which nothing is read.

    `database`, `broker`, `results` and `cache` raise `ServiceMissing` if they are not configured, which is `None` in
    dumps. Use ``settings.services.get("broker")`` if it may be missing. `model_construct` reads nothing.
    An override of `settings_customise_sources` must return what ``super()`` returns; it may add sources.
    Added sources and ``secrets_dir`` are read for connections as well, below the environment, by names
    like ``DATABASE_URL``; `parts` is for a whole secret that is one service.

    Raises:
        ConfigurationError: anything is wrong with a connection, as for `load`; or a source holds
            something other than names and texts.
        pydantic.ValidationError: another field is wrong. It contains no input (see `HiddenInputModel`).
    """

    model_config = SettingsConfigDict(
        arbitrary_types_allowed=True,
        extra="ignore",
        env_file=sources.DOTENV,
        cli_shortcuts={FIELDS[name]: name for name in _SINGLE},
    )

    database: Annotated[CliSuppress[SecuredConnection], WrapValidator(_optional)] = Field(
        default_factory=_nothing, validation_alias=FIELDS["database"]
    )
    databases: CliSuppress[_Databases] = Field(
        default_factory=dict[str, SecuredConnection], validation_alias=FIELDS["databases"]
    )
    broker: CliSuppress[_MayBeMissing] = Field(default_factory=_nothing, validation_alias=FIELDS["broker"])
    results: CliSuppress[_MayBeMissing] = Field(default_factory=_nothing, validation_alias=FIELDS["results"])
    cache: CliSuppress[_MayBeMissing] = Field(default_factory=_nothing, validation_alias=FIELDS["cache"])
    services: Annotated[CliSuppress[_Services], WithJsonSchema({"type": "object"})] = Field(
        default_factory=_no_services, validation_alias=FIELDS["services"], exclude=True, repr=False
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        add_connections(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        """Return the JSON schema of a document for the fields: by their names, and without `services`."""
        schema = handler(core)
        described = handler.resolve_ref_schema(schema)
        names = {alias: name for name, alias in FIELDS.items()}
        found = {names.get(key, key): value for key, value in described["properties"].items()}
        described["properties"] = {key: value for key, value in found.items() if key != "services"}
        for name in FIELDS.keys() & described["properties"].keys():
            described["properties"][name]["title"] = name.title()
        return schema

    # Type checkers would allow every attribute.
    if not TYPE_CHECKING:  # pragma: no branch

        def __getattribute__(self, name: str) -> object:
            found = super().__getattribute__(name)
            if found is None and name in _SINGLE and _is_ours(type(self), name):
                raise AttributeError(name)
            return found

        def __getattr__(self, name: str) -> object:
            if name in _SINGLE and _is_ours(type(self), name):
                raise missing(self.services, name)
            return super().__getattr__(name)

    def __init__(self, **values: Any) -> None:
        if "policy" in values and "policy" not in type(self).model_fields:
            del values  # this frame is part of the traceback
            raise TypeError("Settings does not support policy. Set ENVCONN_TLS, or use envconn.load(policy=...)")
        files = values.get("_env_file", self.model_config.get("env_file"))
        values = {name: as_secrets(value) if name in FIELDS else value for name, value in values.items()}
        try:
            super().__init__(**values)
        except SettingsError as error:
            # Its cause is a JSONDecodeError, which holds the text.
            failure: Exception = SettingsError(*error.args)
        except (OSError, UnicodeError) as error:
            failure = unreadable(files, error)
        except Exception as error:
            found = malformed(error)
            if found is None:
                raise
            failure = found
        else:
            return
        finally:
            del values
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
        """Add the connections, which are read from the sources of `cls`, also from those of an override."""
        arguments = cast("InitSettingsSource", init_settings).init_kwargs
        given = {name: arguments.pop(name) for name in FIELDS if name in arguments}
        ours = Connections(settings_cls, given, cast("DotEnvSettingsSource", dotenv_settings))
        return with_connections((init_settings, ours, env_settings, dotenv_settings, file_secret_settings))


def _is_ours(settings_cls: type[BaseSettings], name: str) -> bool:
    """Whether the field `name` is the one of `Settings`, and not defined again by a subclass."""
    field = settings_cls.model_fields.get(name)
    return field is not None and field.validation_alias == FIELDS[name]


_METHOD = "settings_customise_sources"


def add_connections(settings_cls: type[BaseSettings]) -> None:
    """Apply `with_connections` to the sources of `settings_cls`, whose method may be its own or a mixin's."""
    found = getattr_static(settings_cls, _METHOD)
    if not isinstance(found, _WithConnections):
        setattr(settings_cls, _METHOD, _WithConnections(found))


def with_connections(sources: _Sources) -> _Sources:
    """Return `sources` with the source of the connections after the last one that it reads.

    Its position has no effect, since no other source fills these fields. But some sources read only when they are
    called, and the others may look at the connections.
    """
    ours = next((source for source in sources if isinstance(source, Connections)), None)
    if ours is None:
        raise TypeError("settings_customise_sources must return every source that super() returns. It may add others")
    others = [source for source in sources if source is not ours]
    ours.others = [source for source in others if ours.reads(source)]
    last = max((at for at, source in enumerate(others) if ours.reads(source)), default=0)
    place = max(last + 1, sources.index(ours))
    return (*others[:place], ours, *others[place:])


class _WithConnections:
    """A replacement for a method of the class, which applies `with_connections` to its result."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def __get__(self, instance: object, owner: type) -> Callable[..., _Sources]:
        method = self._method.__get__(instance, owner)
        return lambda *args, **kwargs: with_connections(method(*args, **kwargs))

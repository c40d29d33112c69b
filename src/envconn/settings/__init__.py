"""The pydantic-settings door. pydantic is imported in this folder and nowhere else.

It holds no rule: one settings source calls what `envconn.load` calls. Connection strings never
enter pydantic as text, because its errors and its debugging log quote what they find.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field, GetPydanticSchema, WithJsonSchema, WrapValidator
from pydantic_settings import (
    BaseSettings,
    CliSuppress,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from envconn import sources
from envconn.services import Services
from envconn.settings.connections import Connections, secret
from envconn.settings.discreet import Discreet
from envconn.settings.failures import malformed, unreadable
from envconn.settings.field import core_schema
from envconn.settings.joining import join, joined
from envconn.settings.naming import FIELDS
from envconn.settings.parts import parts
from envconn.tls import SecuredConnection

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema
    from pydantic_settings import DotEnvSettingsSource, InitSettingsSource

    _Databases = Mapping[str, SecuredConnection]
    _Services = Services
else:
    # A mapping that it sees, pydantic-settings also puts together from many names: for that, it fetches every secret.
    _Databases = Annotated[Any, GetPydanticSchema(lambda _, handler: handler(Mapping[str, SecuredConnection]))]
    _Services = Annotated[Any, GetPydanticSchema(lambda _, handler: handler(Services))]

__all__ = ["Discreet", "Settings", "core_schema", "parts"]


def _unread() -> Any:
    raise TypeError("settings_customise_sources has to return what super() returns, and may add other sources")


def _optional(value: object, inner: Any) -> object:
    return value if value is None else inner(value)


class Settings(Discreet, BaseSettings):
    """The configured services beside an application's own fields; subclass it.

    ``class Settings(envconn.Settings): debug: bool = False`` reads ``DEBUG`` as pydantic-settings
    does, and the connections as `envconn.load` does. Of the files in ``env_file`` (default:
    ``.env``), those that are there count. Arguments win: a connection, the text of one, or
    ``services=envconn.load(...)``, with which nothing is read.

    `database` is `None` where there is none (``ENVCONN_PHASE=build``), as are `broker` and `cache`.
    An override of `settings_customise_sources` has to return what ``super()`` returns; it may add to it.
    What it adds, and ``secrets_dir``, is read for connections as well, below the environment, by names
    like ``DATABASE_URL``; `parts` is for a whole secret that is one service.

    Raises:
        ConfigurationError: anything is wrong with a connection, the same as from `load`; or a source holds
            something else than names and texts.
        pydantic.ValidationError: another field is wrong. It holds no input (see `Discreet`).
    """

    model_config = SettingsConfigDict(
        arbitrary_types_allowed=True,
        extra="ignore",
        env_file=sources.DOTENV,
        cli_shortcuts={FIELDS[name]: name for name in ("database", "broker", "cache")},
    )

    database: Annotated[CliSuppress[SecuredConnection], WrapValidator(_optional)] = Field(
        default_factory=_unread, validation_alias=FIELDS["database"]
    )
    databases: CliSuppress[_Databases] = Field(default_factory=_unread, validation_alias=FIELDS["databases"])
    broker: CliSuppress[SecuredConnection | None] = Field(default_factory=_unread, validation_alias=FIELDS["broker"])
    cache: CliSuppress[SecuredConnection | None] = Field(default_factory=_unread, validation_alias=FIELDS["cache"])
    services: Annotated[CliSuppress[_Services], WithJsonSchema({"type": "object"})] = Field(
        default_factory=_unread, validation_alias=FIELDS["services"], exclude=True, repr=False
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        join(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        """Describe a document that fills the fields: by their names, and without `services`, which no document can."""
        schema = handler(core)
        described = handler.resolve_ref_schema(schema)
        names = {alias: name for name, alias in FIELDS.items()}
        found = {names.get(key, key): value for key, value in described["properties"].items()}
        described["properties"] = {key: value for key, value in found.items() if key != "services"}
        for name in FIELDS.keys() & described["properties"].keys():
            described["properties"][name]["title"] = name.title()
        return schema

    def __init__(self, **values: Any) -> None:
        files = values.get("_env_file", self.model_config.get("env_file"))
        values = {name: secret(value) if name in FIELDS else value for name, value in values.items()}
        try:
            super().__init__(**values)
        except SettingsError as error:
            # Caused by a JSONDecodeError, which holds the text.
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
        """Add the connections, which are read from the sources of `cls`, those of an override included."""
        arguments = cast("InitSettingsSource", init_settings).init_kwargs
        given = {name: arguments.pop(name) for name in FIELDS if name in arguments}
        ours = Connections(settings_cls, given, cast("DotEnvSettingsSource", dotenv_settings))
        return joined((init_settings, ours, env_settings, dotenv_settings, file_secret_settings))

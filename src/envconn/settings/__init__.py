"""The pydantic-settings door. pydantic is imported in this folder and nowhere else.

It holds no rule: one settings source calls what `envconn.load` calls. Connection strings never
enter pydantic as text, because its errors and its debugging log quote what they find.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import AliasChoices, Field, WithJsonSchema, WrapValidator
from pydantic_settings import (
    BaseSettings,
    CliSuppress,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from envconn import sources
from envconn.assembly import DATABASE, Assembly, assemble
from envconn.assembly.names import is_read
from envconn.connection import Secret
from envconn.errors import ConfigurationError
from envconn.report import Report
from envconn.services import Services
from envconn.settings.discreet import Discreet
from envconn.settings.field import core_schema, secured
from envconn.tls import SecuredConnection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pydantic.fields import FieldInfo
    from pydantic_settings import DotEnvSettingsSource, InitSettingsSource

    from envconn.sources import Dotenv

__all__ = ["Discreet", "Settings", "core_schema"]


def _unread() -> Any:
    raise TypeError("settings_customise_sources has to return what super() returns, and may add other sources")


def _optional(value: object, inner: Any) -> object:
    return value if value is None else inner(value)


# No variable can have these names, so that DATABASE=app or CACHE=1, which mean other things, stay
# out: every settings source looks for something named like each field.
_ALIASES = {name: f"envconn:{name}" for name in ("database", "databases", "broker", "cache", "services")}


class Settings(Discreet, BaseSettings):
    """The configured services beside an application's own fields; subclass it.

    ``class Settings(envconn.Settings): debug: bool = False`` reads ``DEBUG`` as pydantic-settings
    does, and the connections as `envconn.load` does. Of the files in ``env_file`` (default:
    ``.env``), those that are there count. Arguments win: a connection, the text of one, or
    ``services=envconn.load(...)``, with which nothing is read.

    `database` is `None` where there is none (``ENVCONN_PHASE=build``), as are `broker` and `cache`.
    An override of `settings_customise_sources` has to return what ``super()`` returns; it may add to it.

    Raises:
        ConfigurationError: anything is wrong with a connection; the same as from `load`.
        pydantic.ValidationError: another field is wrong. It holds no input (see `Discreet`).
    """

    model_config = SettingsConfigDict(arbitrary_types_allowed=True, extra="ignore", env_file=sources.DOTENV)

    database: Annotated[CliSuppress[SecuredConnection], WrapValidator(_optional)] = Field(
        default_factory=_unread, validation_alias=_ALIASES["database"]
    )
    databases: Annotated[CliSuppress[Mapping[str, SecuredConnection]], NoDecode] = Field(
        default_factory=_unread, validation_alias=_ALIASES["databases"]
    )
    broker: CliSuppress[SecuredConnection | None] = Field(default_factory=_unread, validation_alias=_ALIASES["broker"])
    cache: CliSuppress[SecuredConnection | None] = Field(default_factory=_unread, validation_alias=_ALIASES["cache"])
    services: Annotated[CliSuppress[Services], NoDecode, WithJsonSchema({"type": "object"})] = Field(
        default_factory=_unread, validation_alias=_ALIASES["services"], exclude=True, repr=False
    )

    def __init__(self, **values: Any) -> None:
        files = values.get("_env_file", self.model_config.get("env_file"))
        values = {name: _secret(value) if name in _ALIASES else value for name, value in values.items()}
        try:
            super().__init__(**values)
        except SettingsError as error:
            # Caused by a JSONDecodeError, which holds the text.
            failure: Exception = SettingsError(*error.args)
        except (OSError, UnicodeError) as error:
            failure = _unreadable(files, error)
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
        """Put the connections behind the arguments of the call, and before every other source."""
        arguments = cast("InitSettingsSource", init_settings).init_kwargs
        given = {name: arguments.pop(name) for name in _ALIASES if name in arguments}
        ours = _Connections(settings_cls, given, cast("DotEnvSettingsSource", dotenv_settings))
        return init_settings, ours, env_settings, dotenv_settings, file_secret_settings


class _Connections(PydanticBaseSettingsSource):
    """What `load` would return, as the values of the fields; `given` by arguments comes first."""

    def __init__(
        self, settings_cls: type[BaseSettings], given: Mapping[str, object], dotenv: DotEnvSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._given = given
        self._dotenv = dotenv
        self._files = _present(dotenv.env_file, getattr(dotenv, "env_file_depth", 0))

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return nothing: the fields are filled together, by the call."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        given = {name: _judged(value, name, self._files) for name, value in self._given.items()}
        services = given.get("services")
        if not isinstance(services, Services):
            services = self._read(given)
        self._conceal()
        fields = {
            "database": services.get(DATABASE),
            "databases": dict(services.databases),
            "broker": services.broker,
            "cache": services.cache,
            "services": services,
        }
        return {_ALIASES[name]: value for name, value in {**fields, **given}.items()}

    def _read(self, given: Mapping[str, Any]) -> Services:
        """What the environment configures, with the connections that were `given` in the place of its own."""
        databases = given.get("databases")
        named = {**databases, **given} if isinstance(databases, dict) else given
        added = {name: value for name, value in named.items() if isinstance(value, SecuredConnection)}
        files = self._files
        assembly = _assembled(files, added)
        if assembly.report.problems:
            raise ConfigurationError(assembly.report.problems)
        return Services(assembly, lambda: _assembled(files, added))

    def _conceal(self) -> None:
        """Take the variables that `load` reads out of ``.env``, where ``extra`` and the debugging log would find them.

        Those that a field of the application claims by its name or alias stay.
        """
        ours = set(self._read_through()) if self._dotenv.env_vars else set()
        claimed = {name.upper() for name in self._claimed()}
        self._dotenv.env_vars = {
            name: value
            for name, value in self._dotenv.env_vars.items()
            if name.upper() in claimed or not (name.upper() in ours or is_read(name.upper()))
        }

    def _read_through(self) -> Iterator[str]:
        """The variables with other names, which aliases and ``ENVCONN_DATABASE`` and its like lead to; upper case."""
        environment, _ = sources.read(None, self._files)
        read = [name for name in environment.names() if is_read(name)]
        chosen = [environment.plain(name) for name in read if name.startswith("ENVCONN_")]
        for name in (*read, *chosen):
            found = environment.lookup(name.removesuffix("_FILE")).found
            for variable in (name, *found.origin.via) if found else ():
                yield variable.upper()

    def _claimed(self) -> Iterator[str]:
        for name, field in self.settings_cls.model_fields.items():
            alias = field.validation_alias or f"{self._dotenv.env_prefix}{name}"
            for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
                yield choice if isinstance(choice, str) else str(choice.path[0])


def _assembled(files: Dotenv, added: Mapping[str, SecuredConnection]) -> Assembly:
    """What the environment comes to, with the connections that were `added` by arguments in the place of its own."""
    assembly = assemble(dotenv=files)
    silent = {"database-missing"} if added else set()
    problems = tuple(problem for problem in assembly.report.problems if problem.code not in silent)
    merged = {**assembly.services, **added}
    return Assembly(merged, Report(dict(merged), problems, assembly.report.notes))


def _secret(value: object) -> object:
    """Return `value` with every text in it as a `Secret`."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping) and not isinstance(value, Services):
        return {name: _secret(text) for name, text in value.items()}
    return value


def _judged(value: object, name: str, files: Dotenv) -> object:
    """Return `value` with every `Secret` in it judged."""
    if isinstance(value, Secret):
        return secured(value, name, files)
    if isinstance(value, dict):
        return {key: _judged(text, key, files) for key, text in value.items()}
    return value


def _present(files: Dotenv, depth: int) -> list[str]:
    """Those of `files` that are there, from the working directory or, where pydantic-settings can, `depth` above."""
    paths = [files] if isinstance(files, str | os.PathLike) else files or ()
    found = (_find(os.path.expanduser(path), depth) for path in paths)
    return [path for path in found if path]


def _find(path: str | os.PathLike[str], depth: int) -> str | None:
    places = (os.path.join(*[os.pardir] * level, path) for level in range(depth + 1))
    return next((place for place in places if os.path.exists(place)), None)


def _unreadable(files: Dotenv, failure: OSError | UnicodeError) -> Exception:
    """Return what `load` says of a ``.env`` file that pydantic-settings could not read."""
    if problems := assemble(dotenv=_present(files, 0)).report.problems:
        return ConfigurationError(problems)
    # A UnicodeDecodeError holds the bytes.
    return failure if isinstance(failure, OSError) else SettingsError("a file of settings is not encoded as stated")

"""The settings source that fills the connections: what `load` returns, with all other sources as layers below.

And `SecuredConnection` as a field of any pydantic model: its schema, and how a text is judged for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from pydantic_core import PydanticCustomError
from pydantic_core import core_schema as schemas
from pydantic_settings import PydanticBaseSettingsSource

from envconn import sources
from envconn.connection import Secret
from envconn.errors import ConfigurationError, Finding, note
from envconn.records import replace
from envconn.selection import Selection, judged_text, select_services
from envconn.selection.databases import DATABASE
from envconn.selection.variables import RESERVED
from envconn.services import Services, load
from envconn.settings.extra_names import FIELDS, conceal
from envconn.settings.other_sources import Layer, is_layer, is_read_anew, layer
from envconn.sources import DOTENV, if_left, working_directory
from envconn.tls import SecuredConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pydantic.fields import FieldInfo
    from pydantic_core import CoreSchema
    from pydantic_settings import BaseSettings, DotEnvSettingsSource

    from envconn.sources import Dotenv, Environment


class Connections(PydanticBaseSettingsSource):
    """The source of the fields for what `load` returns; connections `given` as arguments have precedence.

    `others` are the sources whose texts are layers below the environment, in order of precedence.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], given: Mapping[str, object], dotenv: DotEnvSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._keys = {name: name for name in FIELDS} if self.config.get("validate_by_alias") is False else FIELDS
        self._given = given
        self._dotenv = dotenv
        self._files = existing_files(dotenv.env_file, getattr(dotenv, "env_file_depth", 0))
        self._layers: list[Layer] = []
        self.others: Sequence[PydanticBaseSettingsSource] = ()

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return nothing: the fields are filled together, by the call."""
        return None, field_name, False

    def reads(self, source: object) -> bool:
        """Whether `source` may hold connections; ``.env`` files are excluded, because `load` reads them itself."""
        return is_layer(source) and source is not self._dotenv

    def __call__(self) -> dict[str, Any]:
        """Return the fields under their names in pydantic, and remove connections from everything else."""
        given = {**self._given, **self._from_command_line()}
        services = given.get("services")
        opened = [] if isinstance(services, Services) else [layer(source) for source in self.others]
        self._layers = [found for found in opened if isinstance(found, Layer)]
        # First: whatever raises below has the frames of pydantic-settings in its traceback.
        conceal({**self.settings_sources_data, "": self.current_state}, self._dotenv, self._environment)
        given = {name: self._judged(value, name) for name, value in given.items()}
        if not isinstance(services, Services):
            services = self._read(given, opened)
        fields = {
            "database": services.get(DATABASE),
            "databases": dict(services.databases),
            "broker": services.get("broker"),
            "results": services.get("results"),
            "cache": services.get("cache"),
            "services": services,
        }
        return {self._keys[name]: value for name, value in {**fields, **given}.items()}

    def _from_command_line(self) -> dict[str, object]:
        """Return the fields that an earlier source without variables has found."""
        others = {*_OF_VARIABLES, *(type(source).__name__ for source in self.others)}
        states = [state for name, state in self.settings_sources_data.items() if name not in others]
        # Older pydantic-settings returns aliases even if pydantic reads none.
        keys = [*FIELDS.items(), *self._keys.items()]
        return {name: as_secrets(state[key]) for state in states for name, key in keys if key in state}

    def _environment(self) -> Environment:
        return sources.read(None, self._files, self._layers)[0]

    def _judged(self, value: object, name: str) -> object:
        """Return `value` with every `Secret` in it judged."""
        if isinstance(value, Secret):
            return judge_text(value, name, self._files, self._layers)
        if isinstance(value, dict):
            return {key: self._judged(text, key) for key, text in value.items()}
        return value

    def _read(self, given: Mapping[str, Any], opened: Sequence[Layer | Finding]) -> Services:
        """Return what the environment configures, with the `given` connections instead of its own."""
        databases = given.get("databases")
        named = {**databases, **given} if isinstance(databases, dict) else given
        added = {name: value for name, value in named.items() if isinstance(value, SecuredConnection | None)}
        directory = working_directory()
        selection = _selected(self._files, opened, added, directory)
        if selection.report.problems:
            raise ConfigurationError(selection.report.problems)
        files, others = self._files, tuple(self.others)
        if not all(is_read_anew(source) for source in others):
            return Services(selection)

        def read() -> Selection:
            return _selected(files, [layer(source, if_left(directory)) for source in others], added, directory)

        return Services(selection, read)


def _selected(
    files: Dotenv, opened: Sequence[Layer | Finding], added: Mapping[str, SecuredConnection | None], directory: str
) -> Selection:
    """Return what the environment configures with `opened` as layers, and `added` instead: a connection or none."""
    layers = [found for found in opened if isinstance(found, Layer)]
    unlisted = [found for found in opened if isinstance(found, Finding)]
    selection = select_services(env_file=files, layers=layers, directory=directory)
    problems = [problem for found in layers for problem in found.problems]
    ignored = _NOTHING_THERE if any(added.values()) else None
    problems += [problem for problem in selection.report.problems if problem.code != ignored]
    # Nothing is missing, and a process that may read only one secret may not list the others.
    notes = [] if problems else [note(problem.code, problem.variable, problem.message) for problem in unlisted]
    merged = {name: service for name, service in {**selection.services, **added}.items() if service}
    reported = (*problems, *unlisted) if problems else ()
    found = (*selection.report.notes, *notes)
    refused = {
        name: refusal
        for name, refusal in selection.report.refused.items()
        if name not in added and any(problem.code != ignored for problem in refusal.problems)
    }
    report = replace(selection.report, services=dict(merged), problems=reported, notes=found, refused=refused)
    return Selection(merged, report)


_NOTHING_THERE = "database-missing"
# With validate_by_alias=False, they find DATABASE=app under the name of the field.
_OF_VARIABLES = ("EnvSettingsSource", "DotEnvSettingsSource")


def as_secrets(value: object) -> object:
    """Return `value` with every text in it as a `Secret`."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping) and not isinstance(value, Services):
        return {name: as_secrets(text) for name, text in value.items()}
    return value


def existing_files(files: Dotenv, depth: int) -> list[str]:
    """Return those of `files` that exist, in the working directory or, if pydantic-settings can, `depth` above.

    One with the default name is also returned if it does not exist: `load` says so if nothing is set.
    """
    paths = [files] if isinstance(files, str | os.PathLike) else files or ()
    expanded = [os.fspath(os.path.expanduser(path)) for path in paths]
    found = [_find(path, depth) or (path if os.path.basename(path) == DOTENV else None) for path in expanded]
    return [path for path in found if path]


def _find(path: str | os.PathLike[str], depth: int) -> str | None:
    places = (os.path.join(*[os.pardir] * level, path) for level in range(depth + 1))
    return next((place for place in places if os.path.exists(place)), None)


def core_schema(field_name: str | None) -> CoreSchema:
    """Return pydantic's schema for a field of type `SecuredConnection` in any model.

    A text is parsed and judged by the policy in the environment. If the input has
    no such field, or a blank one, the field is taken from `envconn.load`: the service with the name of
    the field, otherwise the default database, except for fields called ``broker``, ``results`` or
    ``cache``.
    A default in the model (``= None``) has precedence over that.
    See `HiddenInputModel` for a model that is given texts.
    """
    name = field_name or DATABASE
    validator = schemas.no_info_plain_validator_function(
        partial(_validated, name), serialization=schemas.to_string_ser_schema(when_used="json-unless-none")
    )
    return schemas.with_default_schema(validator, default_factory=partial(_missing, name))


# A partial instead of a lambda: the variables of a frame in a traceback can be printed.
def _validated(name: str, value: object) -> SecuredConnection:
    if isinstance(value, SecuredConnection):
        return value
    value = Secret(value) if isinstance(value, str) else value
    if not isinstance(value, Secret):
        raise PydanticCustomError("secured_connection", "expected a connection string or a SecuredConnection")
    return judge_text(value, name, DOTENV) if value.reveal().strip() else _missing(name)


def _missing(name: str) -> SecuredConnection:
    services = load()
    return services[name] if name in RESERVED else services.get(name) or services.database


def judge_text(text: Secret, name: str, files: Dotenv, layers: Sequence[Layer] = ()) -> SecuredConnection:
    """Judge `text` as `name`, by the policy in the environment, `files` and `layers`, or raise the problems."""
    outcome = judged_text(text, name, files, layers)
    if isinstance(outcome, SecuredConnection):
        return outcome
    raise ConfigurationError(outcome)

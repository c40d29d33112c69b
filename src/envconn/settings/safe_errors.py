"""Errors that quote no input: those of validation, and those of sources that cannot be read.

pydantic's do: the value that was refused, and the whole input if a field is missing or
unknown. ``hide_input_in_errors`` covers ``str()`` but neither ``.errors()`` nor ``.json()``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core import core_schema as schemas
from pydantic_settings import PydanticBaseSettingsSource, SettingsError

from envconn import sources
from envconn.errors import ConfigurationError, problem
from envconn.selection import select_services
from envconn.settings.connections_source import existing_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidatorFunctionWrapHandler
    from pydantic_core import CoreSchema, ErrorDetails

    from envconn.sources import Dotenv


# Above the class: pydantic builds its schema before the next line runs.
def _hide_input(data: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(data)
    except ValidationError as error:
        failure = _without_input(error)
    finally:
        del data
    raise failure


class HiddenInputModel(BaseModel):
    """A model whose `pydantic.ValidationError` holds no input: not in ``str()``, ``errors()``, ``json()`` or a cause.

    Use it for models that are given connection strings. A field of type `SecuredConnection`
    refuses a wrong text with a `ConfigurationError`, which contains none, in any model. But in an ordinary
    model, a missing field, an extra one and
    a model validator that fails report the whole input, including the texts of connections. So such a
    model should inherit from this class, together with `BaseSettings` if needed; or its connections should not be
    in the input, and be read from the environment.

    Not covered: errors of an ordinary model that this one is a field of;
    `model_validate_json` with a text that is not JSON; messages of your own validators; and in your
    own `BaseSettings`, where pydantic-settings reads the text, its ``PYDANTIC_SETTINGS_DEBUG`` log, the
    `SettingsError` for a list or dict of connections that is not JSON (its cause holds the text), and
    pydantic's frames in a traceback with local variables. `envconn.Settings` has none of the last
    three, as long as none of its own fields uses the variable of a connection.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    # Around the whole schema: a model validator here would be inside those of subclasses.
    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        return schemas.no_info_wrap_validator_function(_hide_input, handler(source))


def _without_input(error: ValidationError) -> ValidationError:
    details = [_detail(found) for found in error.errors(include_url=False, include_context=False, include_input=False)]
    return ValidationError.from_exception_data(error.title, details, hide_input=True)


def _detail(found: ErrorDetails) -> InitErrorDetails:
    # Without a context, which could hold values, the message is used unchanged.
    loc = tuple(part.removeprefix("envconn:") if isinstance(part, str) else part for part in found["loc"])
    return InitErrorDetails(type=PydanticCustomError(found["type"], found["msg"]), loc=loc, input=None)


def unreadable(files: Dotenv, failure: OSError | UnicodeError) -> Exception:
    """Return the error that `load` raises for a ``.env`` file that pydantic-settings could not read."""
    paths = existing_files(files, 0)
    # An OSError may also come from another source, such as the network.
    if any(found.severity == "error" for found in sources.read(None, paths)[1]):
        return ConfigurationError(select_services(env_file=paths).report.problems)
    # A UnicodeDecodeError holds the bytes.
    return failure if isinstance(failure, OSError) else SettingsError("a file of settings is not encoded as stated")


def malformed(failure: Exception) -> ConfigurationError | None:
    """Return what to raise for `failure`, if a source raised it because of an invalid text.

    A `json.JSONDecodeError` holds the whole secret, as do the variables of the frames in a traceback.
    """
    source = _source(failure) if _reveals(failure) else None
    if source is None:
        return None
    message = (
        f"is malformed ({type(failure).__name__}). It must be an object of names and texts, "
        'as in {"DATABASE_URL": "..."}'
    )
    return ConfigurationError([problem("source-malformed", source, message)])


def _reveals(failure: Exception) -> bool:
    """Whether `failure` is of a kind that parsers raise, and not the result of an SDK's request."""
    if isinstance(failure, AttributeError):
        return failure.name is not None  # without a name, it is the application's own, with a message
    parsers = isinstance(failure, ValueError | LookupError | TypeError) and not isinstance(failure, ValidationError)
    return parsers or type(failure).__module__.startswith("yaml.")


def _source(failure: Exception) -> str | None:
    """Return the class of the source in whose code `failure` was raised, unless it is an application's code."""
    traceback, found = failure.__traceback__, None
    while traceback:
        frame = traceback.tb_frame
        caller = frame.f_locals.get("self")
        if isinstance(caller, PydanticBaseSettingsSource) and frame.f_globals["__name__"].startswith(
            "pydantic_settings"
        ):
            found = type(caller).__name__
        traceback = traceback.tb_next
    return found

"""Errors that quote no input: those of validation, and those of sources that cannot be read.

pydantic's do: the value that was refused, and the whole input when a field is missing or not
known. ``hide_input_in_errors`` covers ``str()`` but neither ``.errors()`` nor ``.json()``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core import core_schema as schemas
from pydantic_settings import PydanticBaseSettingsSource, SettingsError

from envconn import sources
from envconn.errors import ConfigurationError, problem
from envconn.selection import assemble
from envconn.settings.connections_source import existing_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidatorFunctionWrapHandler
    from pydantic_core import CoreSchema, ErrorDetails

    from envconn.sources import Dotenv


# Above the class: pydantic builds its schema before the next line is read.
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

    For a model of one's own that is handed connection strings. A field of type `SecuredConnection`
    refuses a wrong text with a `ConfigurationError`, which holds none, in any model. But pydantic asks
    no field about the errors of *others*: in an ordinary model, one that is missing, an extra one and
    a model validator that fails report the whole input, texts of connections included. So such a
    model inherits from this class, beside `BaseSettings` if need be; or its connections stay out of
    the input, and are read from the environment.

    Not covered, here as anywhere: errors of an ordinary model that this one is a field of;
    `model_validate_json` with a text that is no JSON; messages of one's own validators; and in one's
    own `BaseSettings`, where pydantic-settings reads the text, its ``PYDANTIC_SETTINGS_DEBUG`` log, the
    `SettingsError` for a list or dict of connections that is no JSON (its cause holds the text), and
    pydantic's frames in a traceback with local variables. `envconn.Settings` has none of the last
    three, as long as no field of its own claims the variable of a connection.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    # Around the whole schema: a model validator here would have those of subclasses around it.
    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        return schemas.no_info_wrap_validator_function(_hide_input, handler(source))


def _without_input(error: ValidationError) -> ValidationError:
    details = [_detail(found) for found in error.errors(include_url=False, include_context=False, include_input=False)]
    return ValidationError.from_exception_data(error.title, details, hide_input=True)


def _detail(found: ErrorDetails) -> InitErrorDetails:
    # Without a context, which could hold values, the message is taken as it is.
    loc = tuple(part.removeprefix("envconn:") if isinstance(part, str) else part for part in found["loc"])
    return InitErrorDetails(type=PydanticCustomError(found["type"], found["msg"]), loc=loc, input=None)


def unreadable(files: Dotenv, failure: OSError | UnicodeError) -> Exception:
    """Return what `load` says of a ``.env`` file that pydantic-settings could not read."""
    paths = existing_files(files, 0)
    # An OSError may come from another source as well: of the network, for one.
    if sources.read(None, paths)[1]:
        return ConfigurationError(assemble(env_file=paths).report.problems)
    # A UnicodeDecodeError holds the bytes.
    return failure if isinstance(failure, OSError) else SettingsError("a file of settings is not encoded as stated")


def malformed(failure: Exception) -> ConfigurationError | None:
    """Return what to raise for `failure`, if a source raised it over a text that is not what it should be.

    A `json.JSONDecodeError` holds the whole secret, as do the variables of the frames that any of them came through.
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
    """Whether `failure` is of a kind that parsers raise; an SDK's own says what a request came to."""
    if isinstance(failure, AttributeError):
        return failure.name is not None  # without one, it is somebody's own, with a sentence in it
    parsers = isinstance(failure, ValueError | LookupError | TypeError) and not isinstance(failure, ValidationError)
    return parsers or type(failure).__module__.startswith("yaml.")


def _source(failure: Exception) -> str | None:
    """Return the class of the source in whose code `failure` was raised, but for the code of an application."""
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

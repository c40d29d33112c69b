"""What to say when a source of pydantic-settings fails in a way that would show what it has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_settings import PydanticBaseSettingsSource, SettingsError

from envconn import sources
from envconn.assembly import assemble
from envconn.errors import ConfigurationError, Problem
from envconn.settings.connections import present

if TYPE_CHECKING:
    from envconn.sources import Dotenv

__all__ = ["malformed", "unreadable"]


def unreadable(files: Dotenv, failure: OSError | UnicodeError) -> Exception:
    """Return what `load` says of a ``.env`` file that pydantic-settings could not read."""
    paths = present(files, 0)
    # An OSError may come from another source as well: of the network, for one.
    if sources.read(None, paths)[1]:
        return ConfigurationError(assemble(dotenv=paths).report.problems)
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
        f"what it reads is malformed ({type(failure).__name__}); it has to be an object of names and texts, "
        'as in {"DATABASE_URL": "..."}'
    )
    return ConfigurationError([Problem("source-malformed", source, message)])


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

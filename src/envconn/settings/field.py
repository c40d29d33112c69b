"""`SecuredConnection` as a field of any pydantic model: its schema, and how a text is judged for it."""

from __future__ import annotations

from functools import partial

from pydantic_core import PydanticCustomError
from pydantic_core import core_schema as schemas

from envconn.connection import Secret
from envconn.errors import ConfigurationError
from envconn.selection import judged_text
from envconn.selection.databases import DATABASE
from envconn.selection.variables import RESERVED
from envconn.services import load
from envconn.sources import DOTENV
from envconn.tls import SecuredConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import CoreSchema

    from envconn.sources import Dotenv
    from envconn.sources.environment import Layer


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

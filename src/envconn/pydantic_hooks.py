"""The two methods that make `SecuredConnection` a field type in any pydantic model, without importing pydantic.

pydantic asks a class for them when a model is defined, so they can be attached from outside: `SecuredConnection`
does not depend on settings. `envconn.SecuredConnection` and `envconn.Settings` have them.
"""

from __future__ import annotations

from importlib import import_module

from envconn.tls import SecuredConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


def _core_schema(_cls: type, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    # By name, so that the module that imports pydantic is loaded only when pydantic asks.
    found: CoreSchema = import_module("envconn.settings.connections_source").core_schema(handler.field_name)
    return found


def _json_schema(_cls: type, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    # No "format": a keyword/value string is not a URI, and neither is the text for a connection in a dump.
    return {"type": "string", "writeOnly": True}


setattr(SecuredConnection, "__get_pydantic_core_schema__", classmethod(_core_schema))  # noqa: B010 - no attribute of it
setattr(SecuredConnection, "__get_pydantic_json_schema__", classmethod(_json_schema))  # noqa: B010 - for mypy

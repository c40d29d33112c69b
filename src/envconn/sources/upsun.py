"""Relationships of Upsun and Platform.sh: ``PLATFORM_RELATIONSHIPS``, and the variables of each one.

The first is base64 of JSON: by the name of a relationship, a list of endpoints with ``scheme``, ``host``,
``port``, ``username``, ``password`` and ``path``. If ``PLATFORM_PROJECT`` is set, the same values are in
``NAME_SCHEME``, ``NAME_HOST`` and so on (Upsun documentation, "Service environment variables").
"""

from __future__ import annotations

from base64 import b64decode

from envconn.connection import Origin, Parameters, Secret
from envconn.errors import Finding, note, problem
from envconn.sources.bound_service import Credentials, bound_service, flatten, kind_of, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.sources.bound_service import BoundService
    from envconn.sources.environment import Environment


VARIABLE = "PLATFORM_RELATIONSHIPS"

LARGEST = 1_048_576
"""Bytes of JSON."""

_KEYS = ("scheme", "host", "port", "username", "password", "path")


def read(environment: Environment) -> Iterator[BoundService | Finding]:
    """Yield the related services, and their problems."""
    yield from _document(environment)
    if environment.is_set("PLATFORM_PROJECT"):
        for variable in sorted(environment.names_with("_SCHEME")):
            if variable.endswith("_SCHEME") and environment.is_set(f"{variable.removesuffix('_SCHEME')}_HOST"):
                yield from _variables(environment, variable.removesuffix("_SCHEME"))


def _document(environment: Environment) -> Iterator[BoundService | Finding]:
    lookup = environment.lookup(VARIABLE)
    yield from lookup.remarks
    if lookup.found is None:
        return
    decoded = _decoded(lookup.found.text)
    found = decoded if isinstance(decoded, Finding) else parse(decoded, VARIABLE, LARGEST)
    if isinstance(found, Finding):
        yield found
        return
    for name, endpoints in found.items():
        yield from _relationship(name, endpoints)


def _decoded(text: Secret) -> Secret | Finding:
    try:
        return Secret(b64decode("".join(text.reveal().split()), validate=True).decode("utf-8"))
    except ValueError:  # also UnicodeDecodeError and binascii.Error
        return problem(
            "base64-invalid", VARIABLE, ("is not base64 of UTF-8 text. Keep the value that the platform wrote")
        )


def _relationship(name: str, endpoints: object) -> Iterator[BoundService | Finding]:
    """Yield the primary of a relationship; a service may also have replicas."""
    if not isinstance(endpoints, list) or not all(isinstance(each, dict) for each in endpoints):
        yield problem(
            "json-invalid", VARIABLE, "a relationship is not a list of objects. Keep the value that the platform wrote"
        )
        return
    described = [flatten({key: each[key] for key in _KEYS if key in each}) for each in endpoints if _is_primary(each)]
    for credentials in described[:1]:
        family = kind_of(credentials.texts.get("scheme", ""))
        service = bound_service(name, family, credentials, Origin(VARIABLE, "relationship"))
        yield service if family else note("binding-ignored", service.origin.variable, _IGNORED)


_IGNORED = "is ignored: its scheme is not supported"


def _is_primary(endpoint: dict[str, object]) -> bool:
    query = endpoint.get("query")
    return not isinstance(query, dict) or query.get("is_master") is not False


def _variables(environment: Environment, prefix: str) -> Iterator[BoundService | Finding]:
    family = kind_of(environment.plain(f"{prefix}_SCHEME"))
    if not family:
        return
    lookups = {key: environment.lookup(f"{prefix}_{key.upper()}") for key in _KEYS}
    for lookup in lookups.values():
        yield from lookup.remarks
    texts = {key: lookup.found.text.reveal() for key, lookup in lookups.items() if lookup.found}
    origin = Origin(f"{prefix}_HOST", "relationship")
    service = bound_service(prefix.replace("_", "-"), family, Credentials(Parameters(texts)), origin)
    yield service._replace(origin=origin)

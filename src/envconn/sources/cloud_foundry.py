"""``VCAP_SERVICES``: the bound services of a Cloud Foundry application, as JSON by offering.

Cloud Foundry's developer guide, "Environment variables" and "Binding credentials": the variable holds at
most 130 KB; ``VCAP_SERVICES_FILE_PATH`` names a file of at most 1 MB instead.
``credentials`` may contain anything, depending on the broker; the scheme of a URI in them is the best evidence of
the family, then tags, then the name of the offering. The name of an instance is no evidence.
"""

from __future__ import annotations

import os

from envconn.connection import Origin
from envconn.errors import Finding, note, problem
from envconn.records import Record
from envconn.sources.bound_service import NAMES, bound_service, flatten, kind_among, kind_of, parse
from envconn.sources.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envconn.sources.bound_service import BoundService, Credentials
    from envconn.sources.environment import Environment


VARIABLE = "VCAP_SERVICES"
PATH = "VCAP_SERVICES_FILE_PATH"

LARGEST_VARIABLE = 133_120
"""Bytes."""

LARGEST_FILE = 1_048_576
"""Bytes."""


class _Document(Record):
    offerings: Mapping[str, object]
    origin: Origin


def read(environment: Environment) -> Iterator[BoundService | Finding]:
    """Yield the services in the variable or the file, and their problems."""
    documents: list[_Document] = []
    for found in (*_variable(environment), *_file(environment)):
        if isinstance(found, _Document):
            documents.append(found)
        else:
            yield found
    if len(documents) == 2 and documents[0].offerings != documents[1].offerings:
        yield problem("file-conflict", VARIABLE, f"is set, and the file in {PATH} differs. Keep one of the two")
    elif documents:
        for offering, instances in documents[0].offerings.items():
            yield from _instances(offering, instances, documents[0].origin)


def _variable(environment: Environment) -> Iterator[_Document | BoundService | Finding]:
    lookup = environment.lookup(VARIABLE)
    yield from lookup.remarks
    if lookup.found:
        found = parse(lookup.found.text, VARIABLE, LARGEST_VARIABLE)
        origin = Origin(VARIABLE, "vcap", lookup.found.origin.path)
        yield found if isinstance(found, Finding) else _Document(found, origin)


def _file(environment: Environment) -> Iterator[_Document | BoundService | Finding]:
    lookup = environment.lookup(PATH)
    yield from lookup.remarks
    if lookup.found:
        path = lookup.found.text.reveal().strip()
        content = read_text(os.path.join(environment.directory, path), PATH, LARGEST_FILE)
        found = content if isinstance(content, Finding) else parse(content, PATH, LARGEST_FILE)
        yield found if isinstance(found, Finding) else _Document(found, Origin(VARIABLE, "vcap", path))


def _instances(offering: str, instances: object, origin: Origin) -> Iterator[BoundService | Finding]:
    """Yield the services of one offering: objects in a list, each with a name and credentials."""
    if not isinstance(instances, list) or not all(isinstance(each, dict) for each in instances):
        yield problem(
            "json-invalid", VARIABLE, ("an offering is not a list of objects. Keep the value that Cloud Foundry wrote")
        )
        return
    for each in instances:
        names = (each.get(key) for key in ("binding_name", "instance_name", "name"))
        name = next((name for name in names if isinstance(name, str) and name), "unnamed")
        credentials = each.get("credentials")
        flat = flatten(credentials if isinstance(credentials, dict) else {})
        tags = each.get("tags")
        words = [*(tags if isinstance(tags, list) else ()), offering]
        service = bound_service(name, _kind(flat, [word for word in words if isinstance(word, str)]), flat, origin)
        if service.family:
            yield service
        else:
            yield note("binding-ignored", service.origin.variable, _IGNORED)


_IGNORED = "is ignored: its credentials have no URI or host of a supported service"


def _kind(credentials: Credentials, words: Iterable[str]) -> str:
    uri = next((text for name in NAMES["uri"] if (text := credentials.texts.get(name))), "")
    if uri:
        return kind_of(uri.partition(":")[0])
    is_told = not credentials.texts.keys().isdisjoint(NAMES["host"])
    return kind_among(words) if is_told else ""

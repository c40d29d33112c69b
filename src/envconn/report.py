"""What was found, chosen, ignored, raised and waived: for people as text, for programs as a dictionary.

No secret is in it: of a connection it shows hosts, database, user name and the verdict.
"""

from __future__ import annotations

from types import MappingProxyType

from envconn.records import Record
from envconn.sources import order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from envconn.connection import Origin
    from envconn.errors import Finding
    from envconn.tls import SecuredConnection
    from envconn.tls.policy import Demands

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class Refusal(Record):
    """A service that cannot be used: the variable that names it, and the problems."""

    variable: str
    problems: tuple[Finding, ...]


class Report(Record):
    """Everything worth knowing about one reading of the environment.

    `services` are the judged connections by name, `refused` those that cannot be used. `problems` is what
    stands against using them, empty when all is well; `notes` what was chosen, ignored, raised or normalised.
    `policy` is what they were judged by; `None` where there was none.
    """

    services: Mapping[str, SecuredConnection] = MappingProxyType({})
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    refused: Mapping[str, Refusal] = MappingProxyType({})
    policy: Demands | None = None

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def only(self, name: str) -> Report:
        """Return the report on the service `name`: without the others, and without what is about them alone."""
        others = {problem for other, refusal in self.refused.items() if other != name for problem in refusal.problems}
        own = {*self.refused[name].problems} if name in self.refused else set()
        return self._replace(
            services={name: self.services[name]} if name in self.services else {},
            problems=tuple(each for each in self.problems if each in own or not (each.service or each in others)),
            notes=tuple(each for each in self.notes if each.service in {name, None}),
            refused={name: self.refused[name]} if name in self.refused else {},
        )

    def as_dict(self) -> dict[str, Json]:
        """Return the report as values that `json.dumps` takes, in the format of ``envconn schema``."""
        from envconn.json_report import document

        return document(self)

    def lines(self) -> list[str]:
        """Return the text for people without the problems: a paragraph for each service, a line for each note."""
        lines = [line for service in self.services.values() for line in _paragraph(service)]
        return lines + [f"note: {note} [{note.code}]" for note in self.notes]

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *(f"problem: {problem} [{problem.code}]" for problem in self.problems)])


def _paragraph(service: SecuredConnection) -> list[str]:
    where = ", ".join(map(str, service.hosts))
    facts = {
        "read from": _origin(service.origin),
        "provider": service.provider,
        "user": service.user,
        "pooled": _pooled(service),
        "replica": {True: "yes", False: "no", None: None}[service.replica],
        "branch": service.branch,
        "role": None if service.role == service.user else service.role,
        "region": service.region,
        "ignored": ", ".join(service.foreign) or None,
    }
    lines = [f"{service.name}: {service.family} {service.dbname} on {where}, TLS {service.tls.level}"]
    lines += [f"  {label}: {fact}" for label, fact in facts.items() if fact is not None]
    return lines + [f"  because {sentence}" for sentence in (*service.understood, *service.tls.evidence)]


def _origin(origin: Origin) -> str:
    return f"{origin}, {order.title(origin.source)}" if origin.source in order.FETCHED else str(origin)


def _pooled(service: SecuredConnection) -> str | None:
    return {True: f"yes, {service.pool_mode} mode" if service.pool_mode else "yes", False: "no", None: None}[
        service.pooled
    ]

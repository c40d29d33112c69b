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
    """The result of loading the configuration: services, problems and notes. It holds no secret.

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
        lines += [" ".join(row(name, refusal)) for name, refusal in self.refused.items()]
        return lines + [f"note {note} [{note.code}]" for note in self.notes]

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *(f"error {problem} [{problem.code}]" for problem in self.problems)])


def row(name: str, found: SecuredConnection | Refusal) -> tuple[str, str, str]:
    """Return the name, the level in brackets, and what else there is to say in one line."""
    if isinstance(found, Refusal):
        codes = dict.fromkeys(problem.code for problem in found.problems)
        return name, "[refused]", ", ".join((found.variable, *codes))
    verdict = found.tls
    remarks = {
        "raised": verdict.raised,
        "local": verdict.local and verdict.level >= "encrypted",
        f"waived by {verdict.waived}": verdict.waived is not None,
    }
    return name, f"[{level(found)}]", ", ".join((_origin(found.origin), *(said for said in remarks if remarks[said])))


def level(service: SecuredConnection) -> str:
    """Return the word for the level of `service`: ``local`` where nothing leaves the machine, unencrypted."""
    verdict = service.tls
    if verdict.local and verdict.level < "encrypted":
        return "local"
    return "unencrypted" if verdict.level == "none" else str(verdict.level)


def sibling_name(service: SecuredConnection) -> str:
    """Return what `service` is called beside the one that it is a sibling of."""
    kinds = {"replica": service.replica, "pooled": service.pooled, "direct": service.pooled is False}
    return f"{service.name} ({next((kind for kind, is_so in kinds.items() if is_so), 'other')})"


def _paragraph(service: SecuredConnection) -> list[str]:
    where = ", ".join(map(str, service.hosts))
    facts = {
        "": f"{service.dbname} on {where}" if service.dbname else where,
        "user ": service.user or None,
        "role ": None if service.role == service.user else service.role,
        "branch ": service.branch,
        "region ": service.region,
    }
    told = [f"{label}{fact}" for label, fact in facts.items() if fact is not None]
    lines = [" ".join(row(service.name, service)), "  " + ", ".join((*told, *_endpoint(service)))]
    lines += [f"  {sentence}" for sentence in service.understood]
    lines.append(f"  TLS: {'; '.join(service.tls.evidence)}")
    if service.foreign:
        lines.append(f"  ignored: {', '.join(service.foreign)}")
    siblings = ((sibling_name(each), each) for each in service.siblings)
    return lines + [f"  {' '.join(row(name, each))}: {', '.join(map(str, each.hosts))}" for name, each in siblings]


def _endpoint(service: SecuredConnection) -> list[str]:
    mode = f", {service.pool_mode} mode" if service.pool_mode else ""
    pooled = {True: f"pooled{mode}", False: "not pooled", None: None}[service.pooled]
    replica = {True: "a replica", False: "not a replica", None: None}[service.replica]
    return [said for said in (pooled, replica) if said]


def _origin(origin: Origin) -> str:
    return f"{origin}, {order.title(origin.source)}" if origin.source in order.FETCHED else str(origin)

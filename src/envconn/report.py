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

__all__ = ["Json", "Report"]

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class Report(Record):
    """Everything worth knowing about one reading of the environment.

    `services` are the judged connections by name. `problems` is what stands against using them,
    empty when all is well; `notes` what was chosen, ignored, raised or tidied.
    """

    services: Mapping[str, SecuredConnection] = MappingProxyType({})
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def as_dict(self) -> dict[str, Json]:
        """Return the report as values that `json.dumps` takes.

        Keys: ``ok``; ``services``, a list with the facts and the ``tls`` verdict of each; ``problems``
        and ``notes``, lists of ``code``, ``variable`` and ``message``.
        """
        return {
            "ok": self.ok,
            "services": [_service(service) for service in self.services.values()],
            "problems": [_finding(problem) for problem in self.problems],
            "notes": [_finding(note) for note in self.notes],
        }

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


def _service(service: SecuredConnection) -> dict[str, Json]:
    hosts: list[Json] = [
        {"host": host.host, "hostaddr": host.hostaddr or None, "port": host.port} for host in service.hosts
    ]
    return {
        "name": service.name,
        "family": service.family,
        "origin": {
            "variable": service.origin.variable,
            "source": service.origin.source,
            "path": service.origin.path,
            "line": service.origin.line,
            "via": list(service.origin.via),
        },
        "hosts": hosts,
        "user": service.user,
        "dbname": service.dbname,
        "provider": service.provider,
        "pooled": service.pooled,
        "pool_mode": service.pool_mode,
        "replica": service.replica,
        "branch": service.branch,
        "role": service.role,
        "region": service.region,
        "cloud": service.cloud,
        "understood": list(service.understood),
        "prepared_statements": service.prepared_statements,
        "read_only": service.read_only,
        "startup_options": service.startup_options,
        "idle_seconds": service.idle_seconds,
        "lifetime_seconds": service.lifetime_seconds,
        "suspends": service.suspends,
        "ignored_parameters": list(service.foreign),
        "tls": _verdict(service),
    }


def _verdict(service: SecuredConnection) -> dict[str, Json]:
    verdict = service.tls
    return {
        "level": str(verdict.level),
        "requested": str(verdict.requested),
        "raised": verdict.raised,
        "local": verdict.local,
        "waived": verdict.waived,
        "ca": str(verdict.ca) if verdict.ca else None,
        "evidence": list(verdict.evidence),
    }


def _finding(finding: Finding) -> dict[str, Json]:
    return {"code": finding.code, "variable": finding.variable, "message": finding.message}

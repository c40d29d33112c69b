"""The report: what was found, chosen, ignored, raised and waived, as text and as a dictionary for JSON.

It contains no secret: for a connection it shows hosts, database, user name and the verdict.

All commands print the same JSON format; ``envconn schema`` prints its schema. ``format_version`` is the version of
that format: its minor number is raised when something is added, so programs must ignore unknown keys; its
major number when something is changed or removed. Sentences (``message``, ``understood``, ``evidence``) are for
people, and may change at any time.
"""

from __future__ import annotations

from types import MappingProxyType

from envconn.exit_codes import gravest
from envconn.families import FAMILIES
from envconn.grammar.libpq_keywords import OF_DJANGO, without_effect
from envconn.records import Value, fields, replace
from envconn.sources import order
from envconn.tls.secured import foreign_parameters, identity_of, judged_by, understood

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import NoReturn, TypeAlias

    from envconn.connection import Host, Origin
    from envconn.errors import Finding
    from envconn.tls import CA, SecuredConnection, Verdict
    from envconn.tls.policy import Demands

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class Refusal(Value):
    """A service that cannot be used: the variable that names it, and the problems."""

    variable: str
    problems: tuple[Finding, ...]


class Report(Value):
    """The result of loading the configuration: services, problems and notes. It contains no secret.

    `services` are the judged connections by name, `refused` those that cannot be used, `waived` those that are left to
    the program without a verdict, with the waiver of each. `problems` is what is
    wrong, empty if nothing is; `notes` what was chosen, ignored, raised or normalised.
    `policy` is what they were judged by, without what is stated for one of them; `None` if there was none.
    """

    services: Mapping[str, SecuredConnection] = MappingProxyType({})
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    refused: Mapping[str, Refusal] = MappingProxyType({})
    waived: Mapping[str, str] = MappingProxyType({})
    policy: Demands | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Report is never pickled. Use its as_dict()")

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def only(self, name: str) -> Report:
        """Return the report on the service `name`: without the others, and without findings about them alone."""
        return replace(
            self,
            services={name: self.services[name]} if name in self.services else {},
            problems=tuple(each for each in self.problems if not (owners := self._owners(each)) or name in owners),
            notes=tuple(each for each in self.notes if each.service in {name, None}),
            refused={name: self.refused[name]} if name in self.refused else {},
            waived={name: self.waived[name]} if name in self.waived else {},
        )

    def about(self, needs: Collection[str]) -> tuple[Finding, ...]:
        """Return the problems of the services `needs`, and those that are about no single service.

        ``databases`` stands for every database.
        """
        return tuple(each for each in self.problems if _is_needed(self._owners(each), needs))

    def _owners(self, problem: Finding) -> set[str]:
        if problem.service:
            return {problem.service}
        return {name for name, refusal in self.refused.items() if problem in refusal.problems}

    def as_dict(self) -> dict[str, Json]:
        """Return the report as values for `json.dumps`, in the format of ``envconn schema``."""
        return document(self)

    def lines(self) -> list[str]:
        """Return the text without the problems: a paragraph for each service, a line for each note."""
        lines = [line for service in self.services.values() for line in _paragraph(service)]
        lines += [" ".join(row(name, refusal)) for name, refusal in self.refused.items()]
        return lines + [f"note {note} [{note.code}]" for note in self.notes]

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *(f"error {problem} [{problem.code}]" for problem in self.problems)])


def _is_needed(owners: set[str], needs: Collection[str]) -> bool:
    others = owners & {"broker", "results", "cache"}
    return not owners or not owners.isdisjoint(needs) or ("databases" in needs and owners > others)


def row(name: str, found: SecuredConnection | Refusal) -> tuple[str, str, str]:
    """Return one line: the name, the level in brackets, and the other facts."""
    if isinstance(found, Refusal):
        codes = dict.fromkeys(problem.code for problem in found.problems)
        return name, "[refused]", ", ".join((found.variable, *codes))
    verdict = found.tls
    remarks = {
        "raised": verdict.raised,
        "local": verdict.local and verdict.level >= "encrypted",
        f"waived by {verdict.waived}": verdict.waived is not None,
    }
    return (
        name,
        f"[{level(found)}]",
        ", ".join((_origin(found.origin), *(remark for remark in remarks if remarks[remark]))),
    )


def level(service: SecuredConnection) -> str:
    """Return the word for the level of `service`: ``local`` if it is unencrypted and does not leave the machine."""
    verdict = service.tls
    if verdict.local and verdict.level < "encrypted":
        return "local"
    return "unencrypted" if verdict.level == "none" else str(verdict.level)


def sibling_name(service: SecuredConnection) -> str:
    """Return the role of `service` in relation to the one whose sibling it is."""
    from envconn.tls.endpoints import is_direct

    kinds = {"replica": service.replica, "direct": is_direct(service), "pooled": service.pooled}
    return f"{service.name} ({next((kind for kind, is_so in kinds.items() if is_so), 'other')})"


def _paragraph(service: SecuredConnection) -> list[str]:
    facts = {
        "": _target(service),
        "user ": service.user or None,
        "role ": None if service.role == service.user else service.role,
        "branch ": service.branch,
        "region ": service.region,
    }
    details = [f"{label}{fact}" for label, fact in facts.items() if fact is not None]
    lines = [" ".join(row(service.name, service)), "  " + ", ".join((*details, *_endpoint(service)))]
    lines += [f"  {sentence}" for sentence in understood(service)]
    if identity := identity_of(service):
        lines.append(f"  logs in by {identity.word} ({identity.variable}), without a password")
    lines.append(f"  TLS: {'; '.join(service.tls.evidence)}")
    for label, names in (("ignored", _ignored(service)), ("for Django", _for_django(service))):
        lines += [f"  {label}: {', '.join(names)}"] if names else []
    for each in service.siblings:
        where = ", ".join(map(str, each.hosts)) or each.dbname
        lines.append(f"  {' '.join(row(sibling_name(each), each))}: {where}")
    return lines


def _ignored(service: SecuredConnection) -> list[str]:
    return [*without_effect(foreign_parameters(service))]


def _for_django(service: SecuredConnection) -> list[str]:
    return [name for name in foreign_parameters(service) if name in OF_DJANGO]


def _target(service: SecuredConnection) -> str:
    family, where = FAMILIES[service.family], ", ".join(map(_dialled, service.hosts))
    if not family.port:
        return service.dbname
    return f"{family.dbname_title}{service.dbname} on {where}" if service.dbname else where


def _dialled(host: Host) -> str:
    """Return `host`, and the address that is dialled in its place."""
    return f"{host} (hostaddr {host.hostaddr})" if host.hostaddr else str(host)


def _endpoint(service: SecuredConnection) -> list[str]:
    mode = f", {service.pool_mode} mode" if service.pool_mode else ""
    pooled = {True: f"pooled{mode}", False: "not pooled", None: None}[service.pooled]
    replica = {True: "a replica", False: "not a replica", None: None}[service.replica]
    return [fact for fact in (pooled, replica) if fact]


def _origin(origin: Origin) -> str:
    return f"{origin}, {order.title(origin.source)}" if origin.source in order.FETCHED else str(origin)


FORMAT_VERSION = "1.0"


def document(report: Report, live: dict[str, Json] | None = None) -> dict[str, Json]:
    """Return `report`, and the result of the `live` proof, as values for `json.dumps`."""
    return {
        "format_version": FORMAT_VERSION,
        "command": None,
        "ok": report.ok,
        "exit_code": gravest(problem.exit_code for problem in report.problems),
        "policy": _policy(report.policy) if report.policy else None,
        "services": [
            *(_service(service) for service in report.services.values()),
            *(_refused(name, refusal) for name, refusal in report.refused.items()),
        ],
        "problems": [finding(problem) for problem in report.problems],
        "notes": [finding(note) for note in report.notes],
        "live": live,
        "sources": None,
        "names": None,
        "fetched": None,
    }


def _policy(policy: Demands) -> dict[str, Json]:
    return {
        "tls": "best" if policy.best else policy.floor.sslmode,
        "local": "enforce" if policy.enforce_local else "allow",
        "waive": list(policy.waive),
        "ca": policy.ca_variable or policy.database_ca_variable or None,
    }


def _service(service: SecuredConnection) -> dict[str, Json]:
    return {
        "name": service.name,
        "family": service.family,
        "level": str(service.tls.level),
        "origin": _place(service.origin),
        "hosts": [_host(host) for host in service.hosts],
        "user": service.user,
        "dbname": service.dbname,
        "provider": service.provider,
        "pooled": service.pooled,
        "pool_mode": service.pool_mode,
        "replica": service.replica,
        "read_only": service.read_only,
        "branch": service.branch,
        "role": service.role,
        "region": service.region,
        "identity": identity.word if (identity := identity_of(service)) else None,
        "features": fields(service.features),
        "ignored_parameters": [*_ignored(service)],
        "django_parameters": [*_for_django(service)],
        "understood": list(understood(service)),
        "tls": _verdict(service.tls),
        "policy": _policy(judged_by(service)),
        "siblings": [_service(sibling) for sibling in service.siblings],
    }


def _refused(name: str, refusal: Refusal) -> dict[str, Json]:
    """Return a service without a level: only its variable is known."""
    unknown = dict.fromkeys(("family", "user", "dbname", "provider", "pooled", "pool_mode", "replica", "read_only"))
    return {
        "name": name,
        "level": None,
        "origin": {"variable": refusal.variable, "source": None, "path": None, "line": None, "via": []},
        "hosts": [],
        **unknown,
        **dict.fromkeys(("branch", "role", "region", "identity", "features", "tls", "policy")),
        "ignored_parameters": [],
        "django_parameters": [],
        "understood": [],
        "siblings": [],
    }


def _place(origin: Origin) -> dict[str, Json]:
    return {
        "variable": origin.variable,
        "source": origin.source,
        "path": origin.path,
        "line": origin.line,
        "via": list(origin.via),
    }


def _host(host: Host) -> dict[str, Json]:
    return {"host": host.host, "hostaddr": host.hostaddr or None, "port": host.port}


def _verdict(verdict: Verdict) -> dict[str, Json]:
    return {
        "level": str(verdict.level),
        "requested": str(verdict.requested),
        "raised": verdict.raised,
        "local": verdict.local,
        "waived": verdict.waived,
        "ca": _ca(verdict.ca) if verdict.ca else None,
        "evidence": list(verdict.evidence),
    }


def _ca(ca: CA) -> dict[str, Json]:
    return {"kind": ca.kind, "variable": ca.variable, "path": ca.path or None}


def finding(found: Finding) -> dict[str, Json]:
    """Return `found` as values for `json.dumps`."""
    return {
        "code": found.code,
        "severity": found.severity,
        "service": found.service,
        "variable": found.variable,
        "message": found.message,
        "exit_code": found.exit_code,
    }

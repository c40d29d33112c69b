"""The JSON of reports and proofs: one envelope, whoever prints it. ``envconn schema`` prints what it looks like.

``format_version`` is the format's own: its minor number rises when something is added, so that programs ignore
keys that they do not know; its major number when something is changed or taken away. Sentences (``message``,
``understood``, ``evidence``) are for people, and may change at any time.
"""

from __future__ import annotations

from envconn.exit_codes import gravest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Host, Origin
    from envconn.errors import Finding
    from envconn.report import Json, Refusal, Report
    from envconn.tls import CA, SecuredConnection, Verdict
    from envconn.tls.policy import Demands

FORMAT_VERSION = "1.0"


def document(report: Report, live: dict[str, Json] | None = None) -> dict[str, Json]:
    """Return `report`, and what the `live` proof has shown, as values that `json.dumps` takes."""
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
        "fetched": None,
    }


def _policy(policy: Demands) -> dict[str, Json]:
    return {
        "tls": "best" if policy.best else policy.floor.sslmode,
        "local": "enforce" if policy.enforce_local else "allow",
        "waive": list(policy.waive),
        "ca": policy.ca_variable if policy.ca else None,
    }


def _service(service: SecuredConnection) -> dict[str, Json]:
    return {
        "name": service.name,
        "family": service.family,
        "level": str(service.tls.level),
        "origin": _origin(service.origin),
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
        "features": _features(service),
        "ignored_parameters": list(service.foreign),
        "understood": list(service.understood),
        "tls": _verdict(service.tls),
        "siblings": [_service(sibling) for sibling in service.siblings],
    }


def _features(service: SecuredConnection) -> dict[str, Json]:
    return {
        "cloud": service.cloud,
        "prepared_statements": service.prepared_statements,
        "startup_options": service.startup_options,
        "idle_seconds": service.idle_seconds,
        "lifetime_seconds": service.lifetime_seconds,
        "suspends": service.suspends,
        "direct_tls": service.direct_tls,
        "enforces_tls": service.enforces_tls,
    }


def _refused(name: str, refusal: Refusal) -> dict[str, Json]:
    """Return a service that has no level: only its variable is known."""
    unknown = dict.fromkeys(("family", "user", "dbname", "provider", "pooled", "pool_mode", "replica", "read_only"))
    return {
        "name": name,
        "level": None,
        "origin": {"variable": refusal.variable, "source": None, "path": None, "line": None, "via": []},
        "hosts": [],
        **unknown,
        **dict.fromkeys(("branch", "role", "region", "features", "tls")),
        "ignored_parameters": [],
        "understood": [],
        "siblings": [],
    }


def _origin(origin: Origin) -> dict[str, Json]:
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
    """Return `found` as values that `json.dumps` takes."""
    return {
        "code": found.code,
        "severity": found.severity,
        "service": found.service,
        "variable": found.variable,
        "message": found.message,
        "exit_code": found.exit_code,
    }

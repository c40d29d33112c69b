"""Database connections from the environment of a process, proven to use TLS.

    import envconn

    services = envconn.load()
    services.database          # the only type that drivers and integrations accept
    print(services.report())

Importing this package is cheap: a name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Connection, Host, Origin, Parameters, Secret
    from envconn.errors import (
        ConfigurationError,
        EndpointUnavailable,
        EnvconnError,
        Finding,
        PasswordUnavailable,
        ServiceMissing,
    )
    from envconn.export import translate
    from envconn.probe import Proof, ProofFailed, prove
    from envconn.report import Report
    from envconn.rotation.login import alogin, login
    from envconn.rotation.reload import Changes
    from envconn.selection.variables import is_read
    from envconn.services import Services, database, load, parse, secure
    from envconn.settings import Settings
    from envconn.tls import CA, Policy, SecuredConnection, TlsLevel, Verdict

_HOMES = {
    "envconn.selection.variables": ("is_read",),
    "envconn.rotation.login": ("alogin", "login"),
    "envconn.connection": ("Connection", "Host", "Origin", "Parameters", "Secret"),
    "envconn.errors": (
        "ConfigurationError",
        "EndpointUnavailable",
        "EnvconnError",
        "Finding",
        "PasswordUnavailable",
        "ServiceMissing",
    ),
    "envconn.export": ("translate",),
    "envconn.probe": ("Proof", "ProofFailed", "prove"),
    "envconn.report": ("Report",),
    "envconn.rotation.reload": ("Changes",),
    "envconn.services": ("Services", "database", "load", "parse", "secure"),
    "envconn.settings": ("Settings",),
    "envconn.tls": ("CA", "Policy", "SecuredConnection", "TlsLevel", "Verdict"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CA",
    "Changes",
    "ConfigurationError",
    "Connection",
    "EndpointUnavailable",
    "EnvconnError",
    "Finding",
    "Host",
    "Origin",
    "Parameters",
    "PasswordUnavailable",
    "Policy",
    "Proof",
    "ProofFailed",
    "Report",
    "Secret",
    "SecuredConnection",
    "ServiceMissing",
    "Services",
    "Settings",
    "TlsLevel",
    "Verdict",
    "alogin",
    "database",
    "is_read",
    "load",
    "login",
    "parse",
    "prove",
    "secure",
    "translate",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'envconn' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    if name == "SecuredConnection":
        import_module("envconn.pydantic_hooks")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

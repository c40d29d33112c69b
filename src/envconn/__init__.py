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
    from envconn.connection import Connection, Secret
    from envconn.errors import (
        ConfigurationError,
        EndpointUnavailable,
        EnvconnError,
        Finding,
        PasswordUnavailable,
        ServiceMissing,
    )
    from envconn.probe import Proof, ProofFailed, prove
    from envconn.report import Report
    from envconn.services import Services, load, parse, secure
    from envconn.settings import Settings
    from envconn.tls import Policy, SecuredConnection, TlsLevel, Verdict

    __version__: str

_HOMES = {
    "envconn.connection": ("Connection", "Secret"),
    "envconn.errors": (
        "ConfigurationError",
        "EndpointUnavailable",
        "EnvconnError",
        "Finding",
        "PasswordUnavailable",
        "ServiceMissing",
    ),
    "envconn.probe": ("Proof", "ProofFailed", "prove"),
    "envconn.report": ("Report",),
    "envconn.services": ("Services", "load", "parse", "secure"),
    "envconn.settings": ("Settings",),
    "envconn.tls": ("Policy", "SecuredConnection", "TlsLevel", "Verdict"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ConfigurationError",
    "Connection",
    "EndpointUnavailable",
    "EnvconnError",
    "Finding",
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
    "__version__",
    "load",
    "parse",
    "prove",
    "secure",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name not in _HOME:
        raise AttributeError(f"module 'envconn' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    if name == "SecuredConnection":
        import_module("envconn.pydantic_hooks")
    globals()[name] = value
    return value


def _version() -> str:
    from importlib.metadata import version

    return version("envconn")


def __dir__() -> list[str]:
    return __all__

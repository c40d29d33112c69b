"""How far a connection goes: stays on the machine, goes where clear text was waived, or leaves."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from envconn.connection import Host
    from envconn.tls.policy import Policy

__all__ = ["Reach", "reach"]


class Reach(NamedTuple):
    """`local`: every host is a unix socket or a loopback address. `waived`: the patterns that cover the others.

    `exempt` says whether the policy's floor does not apply.
    """

    local: bool
    waived: str | None
    exempt: bool


def reach(hosts: tuple[Host, ...], policy: Policy) -> Reach:
    """Classify `hosts`: one that leaves the machine makes the whole list leave, one not waived makes none waived."""
    remote = [host for host in hosts if not is_local(host)]
    if not remote:
        return Reach(local=True, waived=None, exempt=not policy.enforce_local)
    patterns = [next((pattern for pattern in policy.waive if _covers(pattern, host)), None) for host in remote]
    waived = ", ".join(dict.fromkeys(pattern for pattern in patterns if pattern)) if all(patterns) else None
    return Reach(local=False, waived=waived, exempt=waived is not None)


def is_local(host: Host) -> bool:
    """Whether `host` is a unix socket or a loopback address; `hostaddr`, the address dialled, has the last word."""
    if host.is_socket:
        return True
    if not host.hostaddr and host.host.lower() in {"localhost", "localhost."}:
        return True
    address = host.hostaddr or host.host
    if not _looks_numeric(address):
        return False
    from ipaddress import ip_address

    try:
        found = ip_address(address)
    except ValueError:
        return False
    # ::ffff:127.0.0.1 is loopback for Python since 3.13 and not before; here it never is.
    return found.is_loopback and getattr(found, "ipv4_mapped", None) is None


def _covers(pattern: str, host: Host) -> bool:
    if "/" not in pattern:
        return fnmatchcase(host.host.lower(), pattern.lower())
    address = host.hostaddr or host.host
    if not _looks_numeric(address):
        return False
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(address) in ip_network(pattern)
    except ValueError:
        return False


def _looks_numeric(address: str) -> bool:
    return address[:1].isdigit() or ":" in address

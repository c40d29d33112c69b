"""The live proof: what stands at the other end, found out without a driver, and without a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envconn.probe.faults import FAULTS, Fault
from envconn.probe.proof import Certificate, Handshake, Login, Proof, Seen

if TYPE_CHECKING:
    from envconn.services import Services
    from envconn.tls import SecuredConnection

__all__ = ["FAULTS", "Certificate", "Fault", "Handshake", "Login", "Proof", "Seen", "prove"]


def prove(source: Services | SecuredConnection | None = None, *, within: float = 10.0, enforced: bool = False) -> Proof:
    """Look at every endpoint of `source`, or of `load()`; see `envconn.probe.look.look`.

    It may be called where an event loop runs, which it then holds up.

    Raises:
        ConfigurationError: as for `load`.
        TypeError: `source` is anything else, such as an unjudged `Connection`.
    """
    import asyncio

    from envconn.probe.look import look
    from envconn.services import connections

    found = connections(source)

    def run() -> Proof:
        return asyncio.run(look(found, within=within, enforced=enforced))

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as beside:
        return beside.submit(run).result()

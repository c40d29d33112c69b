"""The live proof: contact every server without a driver and without a secret, and report how its TLS is."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from importlib import import_module
from itertools import groupby

from envconn.errors import note
from envconn.exit_codes import EX_UNAVAILABLE
from envconn.families import FAMILIES
from envconn.probe.failures import FAULTS, Fault, curable
from envconn.probe.network import run_in_thread
from envconn.probe.proof import Certificate, Handshake, Login, Proof, ProofFailed, Seen
from envconn.probe.server import ENFORCEMENTS, Limits, inspect_host
from envconn.providers.table import role
from envconn.records import Record, replace
from envconn.services import ENVIRONMENT, connections
from envconn.tls import require_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from envconn.probe.login.outcome import Outcome
    from envconn.probe.protocol import WireProtocol
    from envconn.probe.server import Enforcement
    from envconn.services import Source
    from envconn.tls import SecuredConnection


__all__ = [
    "FAULTS",
    "Certificate",
    "Fault",
    "Handshake",
    "Login",
    "Proof",
    "ProofFailed",
    "Seen",
    "examine",
    "look",
    "prove",
]


_FIRST, _LONGEST = 0.1, 2.0
"""Seconds between two attempts: the first pause, which doubles each time, and the longest."""


def prove(
    source: Source = ENVIRONMENT,
    /,
    *,
    login: bool = False,
    wait: float = 0.0,
    timeout: float = 10.0,
    enforcement: Enforcement = "report",
) -> Proof:
    """Contact every server of `source`, or of `load()`, siblings included, and return the result.

    Without `login`, no secret is sent; with it, only by a driver, to servers that were found to be as secure as
    configured. `timeout` is the limit of one attempt in seconds. For `wait` seconds the attempt is repeated, as long
    as waiting can resolve every problem (`FAULTS`); services without a problem are not contacted again.
    `enforcement` decides about a server that also accepts unencrypted connections: ``require`` makes it a problem,
    ``report`` a note, ``skip`` does not test it, nor what a stricter level would verify: one connection to each host,
    of which PostgreSQL logs nothing. It may be called while an event loop runs, but blocks it.

    Raises:
        ProofFailed: there is a problem; the exception holds the proof.
        ConfigurationError: as for `load`.
        TypeError: `source` is anything else, such as an unjudged `Connection`, or another argument has a wrong type.
        ValueError: `enforcement` or a number of seconds is invalid.
    """
    proof = examine(source, login=login, wait=wait, timeout=timeout, enforcement=enforcement)
    if proof.problems:
        raise ProofFailed(proof)
    return proof


def examine(  # noqa: PLR0913 - each of them can be asked for alone
    source: Source = ENVIRONMENT,
    /,
    *,
    login: bool = False,
    wait: float = 0.0,
    timeout: float = 10.0,
    enforcement: Enforcement = "report",
    on_attempt: Callable[[Proof, float], None] | None = None,
) -> Proof:
    """Return the proof that `prove` returns or raises with; `login` to `enforcement` are those of `prove`.

    Before each pause, `on_attempt` is called with the proof so far and the seconds that are left.

    Raises:
        ConfigurationError, TypeError, ValueError: as for `prove`.
    """
    if enforcement not in ENFORCEMENTS:
        raise ValueError(f"enforcement must be {', '.join(ENFORCEMENTS[:-1])} or {ENFORCEMENTS[-1]}")
    if not isinstance(login, bool):
        raise TypeError("login must be True or False")
    _require_seconds("wait", wait, or_none_at_all=True)
    _require_seconds("timeout", timeout)
    options, end = _Attempt(timeout, login=login, enforcement=enforcement), time.monotonic() + wait
    proof, pause = _inspect(connections(source), options), _FIRST
    while not proof.ok and curable(found.code for found in proof.problems) and (left := end - time.monotonic()) > 0:
        if on_attempt:
            on_attempt(proof, left)
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST)
        proof = _inspect_failed(proof, options)
    return proof


def _require_seconds(name: str, value: object, *, or_none_at_all: bool = False) -> None:
    """Raise unless `value` is a number of seconds: finite, and more than 0, or 0 as well."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds")
    if not (0 < value < float("inf") or (or_none_at_all and value == 0)):  # false for nan, too
        raise ValueError(f"{name} must be a finite number of seconds, {'0 or more' if or_none_at_all else 'above 0'}")


class _Attempt(Record):
    """The arguments of one attempt."""

    timeout: float
    login: bool
    enforcement: Enforcement


def _inspect_failed(before: Proof, options: _Attempt) -> Proof:
    """Contact the services again that had a problem; keep what was observed of the others."""
    failed = dict.fromkeys(seen.service for seen in before.seen if seen.problems)
    after = {(seen.service, seen.host): seen for seen in _inspect(failed, options).seen}
    return Proof(tuple(after.get((seen.service, seen.host), seen) for seen in before.seen))


def _inspect(connections: Iterable[SecuredConnection], options: _Attempt) -> Proof:
    until = time.monotonic() + options.timeout
    proof = _look_at_all(connections, options)
    return _add_logins(proof, until) if options.login else proof


def _look_at_all(connections: Iterable[SecuredConnection], options: _Attempt) -> Proof:
    coroutine = look(connections, timeout=options.timeout, enforcement=options.enforcement)
    return run_in_thread(lambda: asyncio.run(coroutine)).result()


def _add_logins(proof: Proof, until: float) -> Proof:
    """Log in once for each service whose hosts had no problem, all at the same time."""
    from envconn.probe.login import log_in

    refused = {seen.service for seen in proof.seen if seen.problems}
    ready = [service for service in dict.fromkeys(seen.service for seen in proof.seen) if service not in refused]
    timeout = max(_FIRST, until - time.monotonic())
    begun = {
        id(seen): run_in_thread(partial(log_in, seen.service, timeout=timeout, address=_detour(seen)))
        for seen in (_answering(proof, service) for service in ready)
    }
    return Proof(tuple(_add_login(seen, begun.get(id(seen))) for seen in proof.seen))


def _answering(proof: Proof, service: SecuredConnection) -> Seen:
    """Return the observation of the first host of `service` that is up: drivers skip hosts that are down."""
    hosts = [seen for seen in proof.seen if seen.service is service]
    return next((seen for seen in hosts if seen.handshake), hosts[0])


def _detour(seen: Seen) -> str | None:
    """Return the address that answers, if another address of the same host does not."""
    hangs = len(seen.service.hosts) == 1 and any(note.code == "timed-out" for note in seen.notes)
    return seen.address if hangs else None


def _add_login(seen: Seen, begun: Future[Outcome] | None) -> Seen:
    if begun is None:
        return seen
    outcome = begun.result()
    problems, notes = (
        (*before, *(each.of(seen.service.name) for each in found))
        for before, found in ((seen.problems, outcome.problems), (seen.notes, outcome.notes))
    )
    return replace(seen, login=outcome.login, problems=problems, notes=notes)


def _protocol(service: SecuredConnection) -> WireProtocol:
    module, _, name = FAMILIES[service.family].probe.partition(".")
    found: type[WireProtocol] = getattr(import_module(f"{__name__}.{module}"), name)
    return found.of(service)


async def look(
    connections: Iterable[SecuredConnection],
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - it is shared out between the steps
    enforcement: Enforcement = "report",
) -> Proof:
    """Contact every host of `connections` and of their siblings, at the same time, for at most `timeout` seconds.

    No password, user name, database name or query is sent; a client certificate is sent only in the handshake at the
    required level. `enforcement` is that of `prove`; a server that accepts unencrypted connections is a problem
    also if its provider promises to reject them. Local connections and waived hosts are not tested for that.

    Raises:
        TypeError: one of them was not judged.
    """
    limits = Limits(asyncio.get_running_loop().time() + timeout, timeout, enforcement)
    inspections = [
        inspect_host(service, host, _protocol(service), limits)
        for service in _with_siblings(connections)
        if FAMILIES[service.family].probe  # a file has no server
        for host in service.hosts
    ]
    seen = await asyncio.gather(*inspections)
    groups = (list(group) for _, group in groupby(seen, key=lambda each: id(each.service)))
    return Proof(tuple(each for group in groups for each in _tolerate_absent(group)))


def _with_siblings(connections: Iterable[SecuredConnection]) -> list[SecuredConnection]:
    """Return the connections, and those of their siblings that this process may use, without duplicates."""
    found: dict[int, SecuredConnection] = {}
    for connection in connections:
        require_sealed(connection)
        for each in (connection, *connection.siblings):
            if each is connection or role(each.origin.variable) not in _OTHER_NETWORKS:
                found.setdefault(id(each), each)
    return list(found.values())


_OTHER_NETWORKS = frozenset({"private", "public"})
"""Roles of a sibling for other networks than this one: no driver uses it unless the program requests it."""


def _tolerate_absent(group: list[Seen]) -> Iterator[Seen]:
    """Remove the problems of hosts that are down if another host is up: drivers continue with the next host."""
    one_is_good = any(not each.problems for each in group)
    for each in group:
        away = tuple(found for found in each.problems if one_is_good and found.exit_code == EX_UNAVAILABLE)
        problems = tuple(found for found in each.problems if found not in away)
        notes = tuple(note(found.code, found.variable, found.message).of(each.service.name) for found in away)
        yield replace(each, problems=problems, notes=each.notes + notes)

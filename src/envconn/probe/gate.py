"""`prove`: look at every endpoint, log in where that is asked for, and wait for what waiting cures."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from envconn.probe.background import begin
from envconn.probe.faults import curable
from envconn.probe.look import look
from envconn.probe.proof import Proof
from envconn.services import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from envconn.probe.login import Outcome
    from envconn.probe.proof import Seen
    from envconn.services import Services
    from envconn.tls import SecuredConnection

__all__ = ["prove"]

_FIRST, _LONGEST = 0.1, 2.0
"""Seconds between two attempts: the first pause, which doubles, and the longest."""


def prove(  # noqa: PLR0913 - each of them can be asked for alone
    source: Services | SecuredConnection | None = None,
    *,
    within: float = 10.0,
    wait: float = 0.0,
    login: bool = False,
    enforced: bool = False,
    on_attempt: Callable[[Proof, float], None] | None = None,
) -> Proof:
    """Contact every server of `source`, or of `load()`, siblings included, and say what is there.

    No secret is sent without `login`, and then only by a driver, to servers that were found to be as secure as
    promised. With `enforced`, a server that takes clear text is a problem. `within` is the time in seconds that one
    attempt may take. For `wait` seconds it is repeated, as long as every problem is one that waiting can cure
    (`envconn.probe.faults`); what had no problem is not asked again. Before each pause, `on_attempt` is
    called with what was found and the seconds that are left. It may be called where an event loop runs, which it then
    holds up.

    Raises:
        ConfigurationError: as for `load`.
        TypeError: `source` is anything else, such as an unjudged `Connection`.
    """
    wish, end = _Wish(within, login=login, enforced=enforced), time.monotonic() + wait
    proof, pause = _attempt(connections(source), wish), _FIRST
    while not proof.ok and curable(proof.problems) and (left := end - time.monotonic()) > 0:
        if on_attempt:
            on_attempt(proof, left)
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST)
        proof = _again(proof, wish)
    return proof


class _Wish(NamedTuple):
    """The arguments of one attempt."""

    within: float
    login: bool
    enforced: bool


def _again(before: Proof, wish: _Wish) -> Proof:
    """Ask those services again that had a problem; what was seen of the others stays."""
    failed = dict.fromkeys(seen.service for seen in before.seen if seen.problems)
    after = {(seen.service, seen.host): seen for seen in _attempt(failed, wish).seen}
    return Proof(tuple(after.get((seen.service, seen.host), seen) for seen in before.seen))


def _attempt(connections: Iterable[SecuredConnection], wish: _Wish) -> Proof:
    until = time.monotonic() + wish.within
    proof = _looked(connections, wish)
    return _with_logins(proof, until) if wish.login else proof


def _looked(connections: Iterable[SecuredConnection], wish: _Wish) -> Proof:
    return begin(lambda: asyncio.run(look(connections, within=wish.within, enforced=wish.enforced))).result()


def _with_logins(proof: Proof, until: float) -> Proof:
    """Log in, once for each service, where no host gave reason not to, all at the same time."""
    from envconn.probe.login import log_in

    refused = {seen.service for seen in proof.seen if seen.problems}
    ready = [service for service in dict.fromkeys(seen.service for seen in proof.seen) if service not in refused]
    within = max(_FIRST, until - time.monotonic())
    begun = {id(_answering(proof, each)): begin(partial(log_in, each, within=within)) for each in ready}
    return Proof(tuple(_attached(seen, begun.get(id(seen))) for seen in proof.seen))


def _answering(proof: Proof, service: SecuredConnection) -> Seen:
    """What was seen at the first host of `service` that is there: a driver goes on to the next where one is away."""
    hosts = [seen for seen in proof.seen if seen.service is service]
    return next((seen for seen in hosts if seen.handshake), hosts[0])


def _attached(seen: Seen, begun: Future[Outcome] | None) -> Seen:
    if begun is None:
        return seen
    outcome = begun.result()
    problems, notes = (*seen.problems, *outcome.problems), (*seen.notes, *outcome.notes)
    return replace(seen, login=outcome.login, problems=problems, notes=notes)

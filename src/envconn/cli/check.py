"""``envconn check`` and ``envconn show``: the report, short or whole, for people or as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from envconn.assembly import assemble
from envconn.cli import EX_CONFIG, EX_OK
from envconn.cli.findings import annotate, complain
from envconn.cli.terminal import paint
from envconn.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envconn.assembly.inventory import Place
    from envconn.cli.live import Live
    from envconn.connection import Host
    from envconn.errors import Note, Problem
    from envconn.probe import Proof, Seen
    from envconn.report import Json
    from envconn.tls import SecuredConnection

__all__ = ["run"]


def run(dotenv: str | None, *, as_json: bool, details: bool, live: Live | None = None, places: bool = False) -> int:
    """Print the report and return the exit code. Problems go to stderr, everything else to stdout.

    With `live`, the servers are contacted, unless the configuration is wrong. With `places`, the list
    of sources is printed, too.
    """
    assembly = assemble(dotenv=dotenv)
    report, proof = assembly.report, None
    if live and report.ok:
        from envconn.cli.live import gate
        from envconn.services import Services

        proof = gate(Services(assembly), live)
    code = EX_CONFIG if not report.ok else proof.exit_code if proof else EX_OK
    found = _places(dotenv) if places else None
    if as_json:
        _print_json(report, proof, code, found)
    else:
        _print_people(report, proof, details=details, places=found or ())
    return code


def _places(dotenv: str | None) -> tuple[Place, ...]:
    from envconn.assembly.inventory import inventory

    return inventory(dotenv=dotenv)


def _print_json(report: Report, proof: Proof | None, code: int, places: tuple[Place, ...] | None) -> None:
    import json

    problems, notes = _findings(report, proof)
    whole = Report(report.services, problems, notes).as_dict()
    document: dict[str, Json] = {
        **whole,
        "exit_code": code,
        "live": proof.as_dict() if proof else None,
        "sources": None if places is None else [_place(place) for place in places],
        "fetched": None,
    }
    print(json.dumps(document, indent=2))
    annotate(problems, proof.notes if proof else ())


def _place(place: Place) -> dict[str, Json]:
    return {
        "source": place.source.word,
        "title": place.source.title,
        "is_there": place.is_there,
        "names": list(place.names),
    }


def _findings(report: Report, proof: Proof | None) -> tuple[tuple[Problem, ...], tuple[Note, ...]]:
    """Everything that was found, each thing once."""
    if proof is None:
        return report.problems, report.notes
    return proof.problems, tuple(dict.fromkeys((*report.notes, *proof.notes)))


def _print_people(report: Report, proof: Proof | None, *, details: bool, places: tuple[Place, ...]) -> None:
    if details:
        for line in (*report.lines(), *_listed(places)):
            print(line)
    else:
        _print_services(report, proof)
    sys.stdout.flush()
    complain(*(proof.problems, proof.notes) if proof else (report.problems,))


def _listed(places: tuple[Place, ...]) -> Iterator[str]:
    if places:
        yield "sources, the most believed first:"
    for place in places:
        nothing = "nothing that is read" if place.is_there else "not there"
        yield f"  {place.source.title}: {', '.join(place.names) or nothing}"


def _print_services(report: Report, proof: Proof | None) -> None:
    seen = proof.seen if proof else ()
    looked_at = {each.service.name for each in seen}
    for service in report.services.values():
        if service.name not in looked_at:
            print(f"{_ok()} {_line(service, service.hosts)}")
    for each in seen:
        _print_seen(each)
    if report.ok and not report.services:
        print(f"{_ok()} nothing is configured, which ENVCONN_PHASE=build allows")


def _print_seen(seen: Seen) -> None:
    """Print what was found out at one endpoint; what is wrong with it goes to stderr."""
    from envconn.probe.rendering import details

    found = list(details(seen))
    if seen.problems and not found:
        return
    word = paint("failed", "red", sys.stdout) if seen.problems else _ok()
    print("\n".join([f"{word} {_line(seen.service, [seen.host])}", *found]))


def _ok() -> str:
    return paint("ok", "green", sys.stdout)


def _line(service: SecuredConnection, hosts: Iterable[Host]) -> str:
    verdict = service.tls
    remarks = {
        f"raised from {verdict.requested}": verdict.raised,
        "local": verdict.local,
        f"clear text waived by {verdict.waived}": verdict.waived is not None,
    }
    told = ", ".join([f"TLS {verdict.level}", *(remark for remark, is_so in remarks.items() if is_so)])
    return f"{service.name} ({service.variable}): {', '.join(map(str, hosts))}, {told}"

"""``envconn check`` and ``envconn show``: print the report, short or complete, as text or as JSON."""

from __future__ import annotations

import sys
from collections import Counter

from envconn import sources
from envconn.cli.live import live_options, prove_with_progress
from envconn.cli.terminal import aligned, annotate, complain, distinct, show, show_last
from envconn.exit_codes import gravest
from envconn.records import Record, replace
from envconn.report import level, row, sibling_name
from envconn.selection import platform_services, select_services
from envconn.selection.scan import Scan
from envconn.selection.variables import CHOOSERS, DEFAULT_DATABASE, is_read
from envconn.sources import DOTENV
from envconn.sources.azure_app_service import plain_name
from envconn.sources.order import SOURCES, Source
from envconn.tls.ca import days_left, expiry

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from envconn.errors import Finding
    from envconn.probe import Proof, Seen
    from envconn.report import Json, Report
    from envconn.sources import Dotenv, Environment
    from envconn.sources.environment import Layer
    from envconn.tls import SecuredConnection


def run(options: argparse.Namespace, *, details: bool) -> int:
    """Print the report and return the exit code. Problems go to stderr, everything else to stdout.

    The servers are contacted if `options` ask for it and the configuration is correct.
    """
    selection = select_services(env_file=options.env_file)
    report, proof = selection.report, None
    if options.service:
        if options.service not in {*report.services, *report.refused}:
            from envconn.cli.export import no_service

            return no_service("show" if details else "check", (*report.services, *report.refused))
        report = report.only(options.service)
    lines, problems, notes = options.engines() if options.engines else ((), (), ())
    # What the environment says is not repeated for an application that does not start because of it.
    reported = {(problem.code, problem.variable) for problem in report.problems}
    besides = [problem for problem in problems if (problem.code, problem.variable) not in reported]
    report = replace(report, problems=(*report.problems, *besides), notes=(*report.notes, *notes, *_cas(report)))
    if report.ok and not details and (live := live_options(options)):
        from envconn.services import Services

        proof = prove_with_progress(report.services[options.service] if options.service else Services(selection), live)
    whole = report if proof is None else _with_proof(report, proof)
    found = inventory(env_file=options.env_file) if details and options.sources else None
    if options.json:
        _print_json(whole, proof, "show" if details else "check", found)
    else:
        _print_people(whole, proof, details=details, places=found or (), engines=lines)
    return gravest(problem.exit_code for problem in whole.problems)


def _cas(report: Report) -> Iterator[Finding]:
    """Yield a note for each stated CA that expires soon, or has expired."""
    for _, service in _endpoints(report):
        if (ca := service.tls.ca) and (found := expiry(ca, days_left(ca))):
            yield found.of(service.name)


def _with_proof(report: Report, proof: Proof) -> Report:
    """Return `report` with the findings of `proof` added, without duplicates."""
    return replace(report, problems=proof.problems, notes=tuple(dict.fromkeys((*report.notes, *proof.notes))))


def _print_json(report: Report, proof: Proof | None, command: str, places: tuple[Place, ...] | None) -> None:
    import json

    from envconn.report import document

    found = document(report) | {"command": command, "live": proof.as_dict()["live"] if proof else None}
    if places is not None:
        found["sources"] = [_place(place) for place in places]
        found["names"] = list(DEFAULT_DATABASE)
    print(json.dumps(found, indent=2))
    annotate(report.problems, proof.notes if proof else ())


def _place(place: Place) -> dict[str, Json]:
    return {
        "source": place.source.word,
        "title": place.source.title,
        "is_there": place.is_there,
        "names": list(place.names),
    }


def _print_people(
    report: Report, proof: Proof | None, *, details: bool, places: tuple[Place, ...], engines: Sequence[str]
) -> None:
    if details:
        for line in (*report.lines(), *_listed(places)):
            show(line, sys.stdout)
    else:
        _print_services(report, proof)
    for line in engines:
        show(line, sys.stdout)
    if report.ok and not details:
        show_last(_summary(report, proof), sys.stdout)
    sys.stdout.flush()
    complain(report.problems, proof.notes if proof else ())
    if not (report.ok or details):
        show_last(_failure(report.problems), sys.stderr)


def _listed(places: tuple[Place, ...]) -> Iterator[str]:
    if places:
        yield "sources, in order of precedence:"
    for place in places:
        nothing = "nothing that is read" if place.is_there else "not there"
        yield f"  {place.source.title}: {', '.join(place.names) or nothing}"
    if places:
        from textwrap import wrap  # costs a millisecond

        yield "names read for the default database, in order of precedence:"
        yield from (f"  {line}" for line in wrap(", ".join(DEFAULT_DATABASE), 100))


def _print_services(report: Report, proof: Proof | None) -> None:
    """Print a line for each service and sibling, then the result of the live proof, then the notes."""
    seen = proof.seen if proof else ()
    contacted = {id(each.service) for each in seen}
    # A problem that is not about one service may be about each; refused services are not among these.
    refused = {problem for refusal in report.refused.values() for problem in refusal.problems}
    wrong = set() if proof else {problem.service for problem in report.problems if problem not in refused}
    rows = [
        ("ok", *row(name, each))
        for name, each in _endpoints(report)
        if id(each) not in contacted and wrong.isdisjoint({each.name, None})
    ]
    for line in aligned(rows, sys.stdout):
        show(line, sys.stdout)
    names = {id(service): name for name, service in _endpoints(report)}
    for each in seen:
        _print_seen(names[id(each.service)], each)
    printed = {f"note {note} [{note.code}]" for note in proof.notes} if proof else set()
    for line in dict.fromkeys(f"note {note} [{note.code}]" for note in report.notes):
        if line not in printed:
            show(line, sys.stdout)


def _endpoints(report: Report) -> Iterator[tuple[str, SecuredConnection]]:
    for service in report.services.values():
        yield service.name, service
        yield from ((sibling_name(sibling), sibling) for sibling in service.siblings)


def _print_seen(name: str, seen: Seen) -> None:
    """Print the result of the live proof for the endpoint called `name`; its problems go to stderr."""
    from envconn.probe.proof import details

    found = list(details(seen))
    if seen.problems and not found:
        return
    line = " ".join(("failed" if seen.problems else "ok", *row(name, seen.service)))
    for each in (f"{line}: {seen.host}", *found):
        show(each, sys.stdout)


def _summary(report: Report, proof: Proof | None) -> str:
    """Return one line: what was verified and what was not tested."""
    if not report.services and any(each.code == "build-phase" for each in report.notes):
        return "Nothing is configured, which ENVCONN_PHASE=build allows."
    if not report.services:
        return "No connection to judge: envconn does not support the scheme of the broker."
    levels = Counter(level(service) for _, service in _endpoints(report))
    found = ", ".join(f"{count} {word}" if len(levels) > 1 else word for word, count in levels.items())
    warnings = distinct(proof.notes) if proof else []
    counts = {"note": len(set(report.notes).difference(warnings)), "warning": len(warnings)}
    told = ", ".join(_count(number, word) for word, number in counts.items() if number)
    tried = "No server was contacted: add --live." if proof is None else _tried(proof)
    return f"{_count(levels.total(), 'connection')}: {found}{told and '; '}{told}. {tried}"


def _tried(proof: Proof) -> str:
    if not proof.seen:
        return "There is no server to contact."
    logged_in = any(each.login for each in proof.seen)
    sent = "" if logged_in else " No user name and no password was sent."
    return f"{_count(len(proof.seen), 'server')} contacted.{sent}"


def _failure(problems: Sequence[Finding]) -> str:
    variables = {problem.variable for problem in problems}
    counted = f"{_count(len(distinct(problems)), 'error')} in {_count(len(variables), 'variable')}."
    return f"{counted} More: envconn explain {problems[0].code}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


class Place(Record):
    """One source: whether it exists, and the variables and bound services that were found in it."""

    source: Source
    is_there: bool
    names: tuple[str, ...]


def inventory(
    environ: Mapping[str, str] | None = None, env_file: Dotenv = DOTENV, layers: Sequence[Layer] = ()
) -> tuple[Place, ...]:
    """Return what each source holds. Arguments are those of `envconn.sources.read`."""
    environment, _ = sources.read(environ, env_file, layers)
    left_out = Scan(environment).left_out
    found: dict[str, list[str]] = {source.word: [] for source in SOURCES}
    for word, name in sorted({*_variables(environment), *_services(environment)}):
        if name in left_out:
            continue
        found[word if word in found else "program"].append(name)
    there = {"environment": True, "dotenv": bool(sources.paths(env_file)), "program": bool(layers)}
    return tuple(
        Place(source, there.get(source.word, False) or _is_there(source, environment, names), names)
        for source in SOURCES
        for names in [tuple(found[source.word])]
    )


def _is_there(source: Source, environment: Environment, names: tuple[str, ...]) -> bool:
    return bool(names) or any(map(environment.is_set, source.switches))


def _variables(environment: Environment) -> Iterator[tuple[str, str]]:
    read = {name.removesuffix("_FILE") for name in environment.names() if is_read(name) and not plain_name(name)}
    for name in read | {environment.plain(chooser) for chooser in CHOOSERS.values()}:
        if found := environment.lookup(name).found:
            yield found.origin.source, name


def _services(environment: Environment) -> Iterator[tuple[str, str]]:
    for service in platform_services.find(Scan(environment)):
        origin = service.connection.origin
        yield origin.source, origin.variable

"""``envconn check`` and ``envconn show``: the report, short or whole, for people or as JSON."""

from __future__ import annotations

import sys

from envconn import sources
from envconn.cli.export import no_service
from envconn.cli.live import asked, gate
from envconn.cli.terminal import annotate, complain, paint
from envconn.exit_codes import gravest
from envconn.records import Record
from envconn.selection import assemble, platform_services
from envconn.selection.scan import Reading
from envconn.selection.variables import CHOOSERS, is_read
from envconn.sources import DOTENV
from envconn.sources.azure_app_service import plain_name
from envconn.sources.order import SOURCES, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from envconn.connection import Host
    from envconn.probe import Proof, Seen
    from envconn.report import Json, Report
    from envconn.sources import Dotenv, Environment
    from envconn.sources.environment import Layer
    from envconn.tls import SecuredConnection


def run(options: argparse.Namespace, *, details: bool) -> int:
    """Print the report and return the exit code. Problems go to stderr, everything else to stdout.

    The servers are contacted as `options` ask, unless the configuration is wrong.
    """
    assembly = assemble(env_file=options.env_file)
    report, proof = assembly.report, None
    if options.service:
        if options.service not in {*report.services, *report.refused}:
            return no_service("show" if details else "check", (*report.services, *report.refused))
        report = report.only(options.service)
    if report.ok and not details and (live := asked(options)):
        from envconn.services import Services

        proof = gate(report.services[options.service] if options.service else Services(assembly), live)
    whole = report if proof is None else _with_proof(report, proof)
    found = inventory(env_file=options.env_file) if details and options.sources else None
    if options.json:
        _print_json(whole, proof, "show" if details else "check", found)
    else:
        _print_people(whole, proof, details=details, places=found or ())
    return gravest(problem.exit_code for problem in whole.problems)


def _with_proof(report: Report, proof: Proof) -> Report:
    """Return `report` with everything that `proof` has found, each thing once."""
    return report._replace(problems=proof.problems, notes=tuple(dict.fromkeys((*report.notes, *proof.notes))))


def _print_json(report: Report, proof: Proof | None, command: str, places: tuple[Place, ...] | None) -> None:
    import json

    from envconn.json_report import document

    told = document(report) | {"command": command, "live": proof.as_dict()["live"] if proof else None}
    if places is not None:
        told["sources"] = [_place(place) for place in places]
    print(json.dumps(told, indent=2))
    annotate(report.problems, proof.notes if proof else ())


def _place(place: Place) -> dict[str, Json]:
    return {
        "source": place.source.word,
        "title": place.source.title,
        "is_there": place.is_there,
        "names": list(place.names),
    }


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
    from envconn.probe.proof import details

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


class Place(Record):
    """One source; whether it is there at all; and the variables and bound services that were found in it."""

    source: Source
    is_there: bool
    names: tuple[str, ...]


def inventory(
    environ: Mapping[str, str] | None = None, env_file: Dotenv = DOTENV, layers: Sequence[Layer] = ()
) -> tuple[Place, ...]:
    """Look through all sources. Arguments are those of `envconn.sources.read`."""
    environment, _ = sources.read(environ, env_file, layers)
    found: dict[str, list[str]] = {source.word: [] for source in SOURCES}
    for word, name in sorted({*_variables(environment), *_services(environment)}):
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
    for name in read | {environment.plain(chooser) for chooser in CHOOSERS}:
        if found := environment.lookup(name).found:
            yield found.origin.source, name


def _services(environment: Environment) -> Iterator[tuple[str, str]]:
    for service in platform_services.gather(Reading(environment)):
        origin = service.connection.origin
        yield origin.source, origin.variable

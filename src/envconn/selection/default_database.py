"""The SQLite database that a program uses for development, where nothing looks like the URL of a database."""

from __future__ import annotations

from types import MappingProxyType

from envconn import grammar, sources
from envconn.connection import PROGRAM_DEFAULT, Connection, Origin, Secret
from envconn.errors import note, problem
from envconn.families import SQLITE
from envconn.records import replace
from envconn.selection import Selection, other_products, stated_scopes, variables
from envconn.selection.databases import DATABASE, DATABASES
from envconn.selection.scan import Scan
from envconn.tls import SecuredConnection, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.errors import Finding
    from envconn.sources import Dotenv


def with_default(selection: Selection, text: str, env_file: Dotenv) -> Selection:
    """Return `selection` with the database of `text` as its default one, if there is none, nor anything like one."""
    scan = Scan(*sources.read(None, env_file))
    judged, report = _judged(Secret(text), scan), selection.report
    if isinstance(judged, tuple):
        return selection._replace(report=replace(report, problems=(*report.problems, *judged)))
    if not _is_silent(selection, scan):
        return selection
    services = {DATABASE: judged, **selection.services}
    problems = tuple(each for each in report.problems if each.code != "database-missing")
    refused = MappingProxyType({name: each for name, each in report.refused.items() if name != DATABASE})
    notes = (*report.notes, note("database-default", "DATABASE_URL", "not set, so the program's default is used"))
    judged_services = MappingProxyType(dict(services))
    found = replace(report, services=judged_services, refused=refused, problems=problems, notes=notes)
    return Selection(services, found)


def _judged(text: Secret, scan: Scan) -> SecuredConnection | tuple[Finding, ...]:
    outcome = grammar.read(text, Origin(PROGRAM_DEFAULT))
    if not isinstance(outcome, Connection):
        return outcome
    if outcome.family != SQLITE:
        return (problem("default-refused", PROGRAM_DEFAULT, _NO_FILE),)
    return judge(outcome, stated_scopes(scan).general(env_file=False), DATABASE)


_NO_FILE = "must be the URL of an SQLite database. Set any other one in the environment, as DATABASE_URL"


def _is_silent(selection: Selection, scan: Scan) -> bool:
    """Whether nothing in the environment is a database, or looks like the URL of one."""
    report = selection.report
    found = DATABASE in report.waived or any(each.family in DATABASES for each in selection.services.values())
    wrong = [each for each in report.about(("databases",)) if each.code != "database-missing"]
    return not (found or wrong or other_products.about(DATABASE, report.notes) or variables.meant(scan.environment))

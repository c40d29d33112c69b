"""Write docs/codes.md, docs/providers.md, and the tables in two pages more; ``tests/pages`` runs it."""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from envconn import TlsLevel
from envconn.cli.explain import meanings
from envconn.codes import SECTIONS
from envconn.export import FORMATS
from envconn.export.target import CA
from envconn.providers import Rewrite, all_providers
from envconn.providers.recognition import ROOTS
from envconn.providers.table import TABLE, records
from envconn.sources.order import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn.cli.explain import Meaning
    from envconn.providers import Certificates, Provider

TARGET = Path(__file__).with_name("providers.md")
EXPORT = Path(__file__).with_name("export.md")
PLACES = Path(__file__).with_name("sources.md")
CODES = Path(__file__).with_name("codes.md")

_HEAD = """\
# Hosting providers

What is known of each provider's connection strings, generated from the records in `src/envconn/providers` by
`docs/generate.py`: correct a record, never this page. A host is recognised when all of it matches a record's pattern
as written, in lower case and without a dot at the end. `ENVCONN_PROVIDER=<name>` states what a private name hides,
`ENVCONN_POOL_MODE` how a pooler works where that is not visible. A variable stands with the provider that it comes
from; others use some of the names, too.

"""
_COLUMNS = ("name", "product", "protocol", "pooled or direct", "best TLS", "CA", "checked")


def page() -> str:
    """Return the text of the page: one table of all records, then one section for each."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(record) for record in _sorted())]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    return _HEAD + table + "".join(_section(record) for record in _sorted())


def _sorted() -> list[Provider]:
    return sorted(all_providers(), key=lambda record: record.name)


def _row(record: Provider) -> tuple[str, ...]:
    certificates = record.certificates
    return (
        f"`{record.name}`",
        record.title,
        _words(record.families),
        _pooling(record),
        f"`{certificates.sslmode}`" if certificates else "not known",
        _ca(certificates) if certificates and certificates.sslmode.startswith("verify") else "none",
        record.checked,
    )


def _variables(record: Provider) -> str:
    """The variables of the record's file, with the first record there that speaks their protocol."""
    for module, line in TABLE.items():
        found = [variable for variable in line.variables if variable.family in record.families]
        if found and record is next((other for other in records(module) if other.families == record.families), None):
            return ", ".join(f"`{variable.name}` ({variable.role})" for variable in found)
    return ""


def _pooling(record: Provider) -> str:
    kinds = [f"port {port}: {kind}" for port, kind in record.ports.items()]
    kinds += [f"`{mode}` in the host: {kind}" for mode, kind in record.modes.items()]
    rest = {True: f"{record.pool_mode} pooler", False: "direct", None: "not visible"}[record.pooled]
    return "; ".join([*kinds, f"otherwise {rest}" if kinds else rest])


def _ca(certificates: Certificates) -> str:
    missing = "envconn's, or to be fetched" if certificates.roots else "to be fetched"
    return {"system": "the system's", "": missing}.get(certificates.ca, f"`{certificates.ca}`")


def _section(record: Provider) -> str:
    lines = [
        ("Hosts", "; ".join(f"`{pattern}`" for pattern in record.hosts)),
        ("Only with", _conditions(record)),
        ("Variables", _variables(record)),
        ("TLS", _tls(record)),
        ("Pooler", _pooler(record)),
        ("Idle", _idle(record)),
        *((f"To {wish}", _sibling(rule)) for wish, rule in record.siblings.items()),
        ("Serverless", _serverless(record)),
        ("Refused", "; ".join(rule.message for rule in record.forbidden)),
        ("Note", "; ".join(record.notes)),
        ("Source", record.source),
    ]
    return f"\n## {record.title}\n\n" + "".join(f"- {label}: {text}\n" for label, text in lines if text)


def _conditions(record: Provider) -> str:
    ports = f"port {' or '.join(map(str, record.on_ports))}" if record.on_ports else ""
    shapes = f"a user like `{record.users}` and a database like `{record.databases}`" if record.strict else ""
    return " and ".join(filter(None, (ports, shapes)))


def _tls(record: Provider) -> str:
    demand = {True: "demanded by the server", False: "not demanded by the server", None: ""}[record.enforces_tls]
    remedy = _remedy(record.certificates) if record.certificates else ""
    network = "the network is a private one" if record.private else ""
    direct = "opened without PostgreSQL's own request first (`sslnegotiation=direct`)" if record.direct_tls else ""
    return "; ".join(filter(None, (demand, network, direct, remedy)))


def _remedy(certificates: Certificates) -> str:
    if not certificates.roots:
        return certificates.remedy
    names = sorted(name.removesuffix(".pem") for name in os.listdir(os.path.join(ROOTS, certificates.roots)))
    copied = "from a copy that has not been compared with the provider's own file yet"
    return f"envconn has the roots of {', '.join(names)}, {copied}. For another region: {certificates.remedy}"


def _pooler(record: Provider) -> str:
    if record.pooler is None:
        return ""
    statements = "keeps" if record.pooler.prepared_statements else "is not known to keep"
    options = "takes" if record.pooler.startup_options else "refuses"
    return f"{statements} prepared statements, {options} `options` at start-up"


def _idle(record: Provider) -> str:
    limits = [
        (record.idle_seconds, f"connections are dropped after {record.idle_seconds} s of silence"),
        (record.lifetime_seconds, f"connections should stay younger than {record.lifetime_seconds} s"),
        (record.suspends, "the server goes to sleep"),
    ]
    return "; ".join(text for is_so, text in limits if is_so)


def _sibling(rule: Rewrite | str) -> str:
    if isinstance(rule, str):
        return f"no rule: {rule}"
    parts = [("host", rule.host), ("user", rule.user), ("user@host", rule.address)]
    changes = [
        f"{part} `{pair[0]}` becomes " + (f"`{pair[1]}`" if pair[1] else "nothing") for part, pair in parts if pair
    ]
    changes += [f"port {rule.port}"] if rule.port else []
    return ", ".join(changes)


def _serverless(record: Provider) -> str:
    if record.serverless is None:
        return ""
    jwt = f"; with a JWT `{record.serverless.jwt}`" if record.serverless.jwt else ""
    waits = "" if record.serverless.pipelines else ", without pipelined passwords"
    return f"SQL at `{record.serverless.http}`{jwt}; a WebSocket at `{record.serverless.websocket}`{waits}"


def _words(words: Iterable[str]) -> str:
    return ", ".join(words)


def sources_page(written: str) -> str:
    """Return `written`, the text of docs/sources.md, with the list of sources as it should be."""
    before, _, rest = written.partition("| |")
    rows = [("", "source", "", "what is read"), ("---",) * 4]
    rows += [(str(rank), f"`{each.word}`", each.title, each.meaning) for rank, each in enumerate(SOURCES, 1)]
    table = "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in rows)
    return before + table + rest[rest.index("\n\n") :]


def export_page(written: str) -> str:
    """Return `written`, the text of docs/export.md, with the table of formats as it should be."""
    before, _, rest = written.partition("| format |")
    after = rest[rest.index("\n\n") :]
    return before + export_table() + after


def export_table() -> str:
    """Return one line for each format: what it is, and its words for each level."""
    head = ("format", "", *(f"`{level}`" for level in TlsLevel))
    rows = [
        (f"`{name}`", known.title, *(_level(known.levels.get(level, {})) for level in TlsLevel))
        for name, known in FORMATS.items()
    ]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in (head, ("---",) * len(head), *rows))


def _level(words: Mapping[str, str] | str) -> str:
    if isinstance(words, str):
        return "refused"
    return ", ".join(f"`{name}={'CA' if value == CA else value}`" for name, value in words.items()) or "-"


_CODES = """\
# Codes

Every finding has a code that never changes its meaning. It is in brackets at the end of a line of `envconn check`,
under `code` in its JSON, in the title of an annotation in GitHub Actions, and in `problem.code` of an exception. The
message next to it names the variable and the part of it; this page says what the code means in general, as
`envconn explain CODE` does in the terminal. The address of a section is stable. The page is generated from
`src/envconn/codes.py` by `docs/generate.py`: correct the table, never this page. A test applies each remedy to its
example.

[The environment](#the-environment) (exit code 78), [live servers](#live-servers) (69, 76, 77, 78),
[providers' APIs](#providers-apis) (64, 69, 77, 78), [notes](#notes) (0), [programs](#programs) (exceptions),
[Django's checks](#djangos-checks).

A provider's record that another package registers may have its own codes, which begin with `x-`.
"""

_CHAPTERS = {
    "Which variable": """\
## The environment

Problems that `envconn check` finds without contacting a server. The exit code is 78, and `envconn.load()` raises.
""",
    "Live servers": """\
Problems that `--live` and `--login` find, and `envconn.prove()` raises. If there are several, the exit code is that of
the gravest: 78, then 76, 77 and 69. `--wait` tries again while waiting can cure every problem.
""",
    "Providers' APIs": """\
Problems of `envconn fetch`, and of a `RemoteError` of `envconn.remote`. Codes of [live servers](#live-servers) are
possible too, if the server of the API cannot be reached or verified. What trying again can cure was tried again, where
that does no harm.
""",
    "About the environment": """\
## Notes

Worth knowing, but no reason to stop. `envconn show` prints those about the environment, `--live` prints those about
servers as warnings, and every JSON has them. A code of [live servers](#live-servers) is a note if nothing depends on
it: one of several hosts is down, or a server accepts connections without TLS and this is allowed.
""",
    "Programs": """\
Mistakes that only a program can make, raised as a `ConfigurationError`; or an argument of the command (78); or a
message of the guard of `envconn_pytest` (4, pytest's).
""",
    "Django's checks": """\
`manage.py check` prints these as `envconn.<code>`. Those that matter for a deployed site need `--deploy`.
""",
}
_TOP = {"Live servers", "Providers' APIs", "Programs", "Django's checks"}


def codes_page() -> str:
    """Return the text of docs/codes.md: one section for each code, below the section of the table."""
    return _CODES + "".join(f"\n{_codes_section(title)}" for title in SECTIONS)


def _codes_section(title: str) -> str:
    chapter = _CHAPTERS.get(title, "")
    head = f"## {title}\n\n{chapter}" if title in _TOP else f"{chapter}\n### {title}\n" if chapter else f"### {title}\n"
    level = "###" if title in _TOP else "####"
    return head + "".join(_code(code, title, level) for code in SECTIONS[title])


def _code(code: str, title: str, level: str) -> str:
    """Return the section of `code`, or a link to it if it stands in an earlier section of the page."""
    found = meanings(code)
    if found[0].section != title:
        return f"\n[`{code}`](#{code}) is explained above.\n"
    return f"\n{level} `{code}`\n" + "".join(map(_meaning, found))


def _meaning(meaning: Meaning) -> str:
    lines = [f"{meaning.result[0].upper()}{meaning.result[1:]}. {meaning.cause}"]
    lines += [f"**Remedy:** {meaning.remedy}"] if meaning.remedy else []
    lines += [f"```sh\n# before\n{meaning.before}\n# after\n{meaning.after}\n```"] if meaning.before else []
    return "".join(f"\n{line}\n" for line in lines)


if __name__ == "__main__":
    CODES.write_text(codes_page(), encoding="utf-8")
    TARGET.write_text(page(), encoding="utf-8")
    PLACES.write_text(sources_page(PLACES.read_text(encoding="utf-8")), encoding="utf-8")
    EXPORT.write_text(export_page(EXPORT.read_text(encoding="utf-8")), encoding="utf-8")

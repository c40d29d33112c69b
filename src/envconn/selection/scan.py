"""One pass over the environment: look up and read texts, and collect problems and notes."""

from __future__ import annotations

from functools import partial

from envconn import grammar
from envconn.connection import Connection, Parameters
from envconn.errors import Finding, note, problem
from envconn.families import FAMILIES, POSTGRESQL, SENTINEL
from envconn.grammar.hosts import is_complete
from envconn.records import Record, replace
from envconn.selection import host_variables, part_names
from envconn.selection.variables import present
from envconn.sources import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from envconn.connection import Origin, Secret
    from envconn.sources import Environment, Lookup
    from envconn.tls.policy import Demands

    Read: TypeAlias = Callable[[Secret, Origin], "Connection | tuple[Finding, ...]"]


READ_DATABASE = partial(grammar.read, role="database")


class PlatformService(Record):
    """A bound service, under the name that the platform gives it."""

    name: str
    connection: Connection


class Other(Record):
    """What a variable is for that is not the one of the default database: its role, and its service if it has one.

    Such a variable may be another product's (`envconn.selection.other_products`). `policy` returns what a text is
    judged by, from an env file or not; `None` if no waiver may name what it holds.
    """

    role: str
    service: str | None = None
    policy: Callable[[bool], Demands] | None = None


class Scan:
    """The environment, which of its variables are `present`, the bound services, and what has been found so far.

    `left_out` are the variables that ``ENVCONN_IGNORE`` removes from those present, `completing` those that complete
    a connection string. `waived` are the services that are not judged, with the pattern that waives each. `made_for`
    are the services that were refused for a problem.
    """

    __slots__ = (
        *("bound", "completing", "environment", "left_out", "made_for", "notes", "present", "problems", "waived"),
    )

    def __init__(self, environment: Environment, findings: Iterable[Finding] = ()) -> None:
        self.environment = environment
        self.present = present(environment)
        self.bound: tuple[PlatformService, ...] = ()
        self.problems: list[Finding] = []
        self.notes: list[Finding] = []
        self.accept_findings(found for found in findings if found.severity == "error" or found.variable in self.present)
        self.left_out: set[str] = set()
        self.waived: dict[str, str] = {}
        self.made_for: dict[Finding, set[str]] = {}
        self.completing: set[str] = set()
        if "ENVCONN_IGNORE" in self.present:
            from envconn.selection import ignore

            findings = ignore.findings(environment, self.present, self.plain(ignore.VARIABLE))
            self.accept_findings(findings)
            self.left_out = {found.variable for found in findings if found.code == "variable-ignored"}
            self.present -= self.left_out

    def connections(
        self, variables: Iterable[str], read: Read = READ_DATABASE, other: Other | None = None
    ) -> Iterator[Connection]:
        """Yield the connections of those `variables` that are present, in their order; invalid ones become problems.

        `read` is the grammar of their texts. `other` is as for `accept`.
        """
        for variable in variables:
            if variable in self.present:
                yield from self.accept(self.environment.lookup(variable), read, other)

    def accept(self, lookup: Lookup, read: Read = READ_DATABASE, other: Other | None = None) -> Iterator[Connection]:
        """Yield the connection of `lookup`, if it found one that `read` can read.

        With `other`, a text of another product becomes a note.
        """
        self.record(lookup)
        if lookup.found:
            outcome = read(lookup.found.text, lookup.found.origin)
            if not isinstance(outcome, Connection) and other and self._is_foreign(lookup.found, other, outcome):
                return
            if not isinstance(outcome, Connection):
                outcome = self.about_parts(outcome, lookup.found.origin)
            yield from self.understand(outcome)

    def _is_foreign(self, found: Text, other: Other, problems: tuple[Finding, ...]) -> bool:
        from envconn.selection import other_products

        if any(each.code in grammar.MISTAKES for each in problems):
            return False
        if held := other_products.title(found.text.reveal(), other.role):
            waived = self._waiver(found, other, held)
            self.notes.append(waived or other_products.unused(found.origin.variable, held, other.service))
        return bool(held)

    def _waiver(self, found: Text, other: Other, held: str) -> Finding | None:
        """Return the note that what `found` holds is left to the program, if a waiver names its scheme."""
        if not (other.policy and other.service):
            return None
        from envconn.selection import other_products
        from envconn.tls.policy import covered_scheme

        policy = other.policy(found.origin.env_file)
        if not (pattern := covered_scheme(found.text.reveal(), policy.waive)):
            return None
        self.waived.setdefault(other.service, pattern)
        waiver = f"{pattern} in {policy.place('ENVCONN_TLS_WAIVE')}"
        return other_products.waived(found.origin.variable, held, waiver, other.service)

    def about_parts(self, problems: tuple[Finding, ...], origin: Origin) -> tuple[Finding, ...]:
        """Return the `problems` of the text of `origin`, about its parts if it was put together from several."""
        return tuple(host_variables.about_part(found, self.present) if origin.parts else found for found in problems)

    def understand(self, outcome: Connection | Iterable[Finding]) -> Iterator[Connection]:
        """Yield the connection that a grammar has read, or add its problems."""
        if isinstance(outcome, Connection):
            outcome = self.completed(outcome)
        if isinstance(outcome, Connection):
            self.notes += [note("text-normalised", outcome.origin.variable, text) for text in outcome.notes]
            self.notes += _about_ports(outcome)
            yield outcome
        else:
            self.problems += outcome

    def completed(self, connection: Connection) -> Connection | tuple[Finding, ...]:
        """Return `connection` with libpq's defaults for what it does not state, or the problems."""
        lacks_password = not connection.password and connection.family == POSTGRESQL and "PGPASSWORD" in self.present
        if is_complete(connection) and not lacks_password:
            return connection
        from envconn.selection import libpq_defaults

        self.completing |= libpq_defaults.used(connection, self.present)
        outcome = libpq_defaults.completed(connection, self.environment, self.present)
        return outcome if isinstance(outcome, Connection) else self.about_parts(outcome, connection.origin)

    def plain(self, name: str) -> str:
        """Return the text of a variable that is no secret and no alias (``ENVCONN_DATABASE_VARIABLE``), or empty."""
        found = self.environment.written(name) if name in self.present else None
        if found is None:
            return ""
        if isinstance(found, Finding):
            self.problems.append(found)
            return ""
        return found.text.reveal().strip()

    def chooser(self, name: str, candidates: Iterable[str]) -> str:
        """Return the variable that `name` holds. An env file chooses only if nothing outside of it is set.

        `candidates` are the variables to choose from.
        """
        chosen = self.plain(name)
        if not (chosen and self.environment.in_env_file(name)):
            return chosen
        set_ = [each for each in candidates if each in self.present and not self.environment.in_env_file(each)]
        set_ += [bound.connection.origin.variable for bound in self.bound if not bound.connection.origin.env_file]
        if not set_:
            found = self.environment.written(name)
            place = found.origin.place if isinstance(found, Text) else ""
            self.notes.append(note("variable-chosen", name, f"chooses the variable to use, in {place}"))
            return chosen
        message = host_variables.outranked("an env file", set_[0])
        self.notes.append(note("dotenv-ignored", name, f"{message}. {_IN_PROCESS}"))
        return ""

    def most_trusted(self, candidates: Sequence[Connection]) -> list[Connection]:
        """Return those of `candidates` that are not from an env file, if any, otherwise all; note the others."""
        trusted = [each for each in candidates if not each.origin.env_file]
        if trusted:
            self.notes += [_outranked(each, trusted[0]) for each in candidates if each.origin.env_file]
        return trusted or list(candidates)

    def excuse(self, since: int, winner: Connection, names: Collection[str] = ()) -> None:
        """Make notes of the problems `since` that number that are about an env file, if `winner` is more trusted.

        `names` are the variables that `winner` is used instead of, all if it is empty.
        """
        if winner.origin.env_file:
            return
        found, self.problems[since:] = self.problems[since:], []
        for each in found:
            variable = each.variable.partition("/")[0]  # a bound service is called VCAP_SERVICES/name
            if self._is_in_env_file(variable) and (not names or variable in names):
                message = (
                    f"is not used, as {winner.origin.variable} is more trusted, and is wrong besides: {each.message}"
                )
                self.notes.append(note("dotenv-ignored", each.variable, message))
            else:
                self.problems.append(each)

    def _is_in_env_file(self, variable: str) -> bool:
        leader = host_variables.leader_of(variable, self.present)
        return any(map(self.environment.in_env_file, (variable, *leader)))

    def expect(self, connection: Connection, families: Collection[str], what: str, service: str = "") -> bool:
        """Return whether the family of `connection` is in `families`; if not, add the problem: it is for `what`.

        For a named `service`, which may be another product's, it is a note.
        """
        if connection.family in families:
            return True
        family = FAMILIES[connection.family]
        if service:
            from envconn.selection import other_products

            self.notes.append(other_products.misplaced(connection, what, service))
            return False
        message = f"holds {family.title} URL, but {what} URL is expected. Move it to {family.variable}"
        self.problems.append(problem("kind-unexpected", connection.origin.variable, message))
        return False

    def expect_endpoint(self, sibling: Connection, database: Connection) -> bool:
        """Return whether `sibling` is of the family of `database`; if not, add the problem."""
        if sibling.family == database.family:
            return True
        variable, (own, other) = sibling.origin.variable, (FAMILIES[each.family].title for each in (sibling, database))
        message = f"holds {own} URL, but {database.origin.variable}, the same database, holds {other} URL. Unset it"
        self.problems.append(problem("kind-unexpected", variable, message))
        return False

    def record(self, lookup: Lookup) -> None:
        """Add the problems and notes of `lookup`."""
        self.problems += lookup.problems
        self.notes += lookup.notes

    def refuse(self, problems: Iterable[Finding], service: str) -> None:
        """Add the `problems` for which `service` was refused; several may be refused for one."""
        for found in problems:
            self.problems.append(found)
            self.made_for.setdefault(found, set()).add(service)

    def accept_findings(self, findings: Iterable[Finding]) -> None:
        """Add each of the `findings` by its severity."""
        for finding in findings:
            (self.problems if finding.severity == "error" else self.notes).append(finding)

    def named(self, connection: Connection, master: Text | None) -> Connection:
        """Complete sentinels whose text does not name the `master`, as kombu's never do."""
        if connection.family != SENTINEL or "master_name" in connection.parameters or master is None:
            return connection
        from envconn.grammar import redis

        name = master.text.reveal().strip()
        if not redis.is_master(name):
            self.problems.append(problem("sentinel-master", master.origin.variable, redis.MASTER))
        return replace(connection, parameters=Parameters({**connection.parameters, "master_name": name}))


def _about_ports(connection: Connection) -> Iterator[Finding]:
    """Yield the note that a port is the default one of another service; of parts without an engine it is an error."""
    title = FAMILIES[connection.family].title
    for host in () if connection.origin.parts else connection.hosts:
        other = part_names.PORTS.get(str(host.port), "PostgreSQL" if host.port == FAMILIES[POSTGRESQL].port else title)
        if other not in title and not host.is_socket:
            yield note("port-unusual", connection.origin.variable, f"has the port of {other}. Correct port or scheme")


_IN_PROCESS = "Set it in the process environment"


def _outranked(lesser: Connection, winner: Connection) -> Finding:
    message = host_variables.outranked(lesser.origin.place, winner.origin.variable)
    return note("dotenv-ignored", lesser.origin.variable, message)

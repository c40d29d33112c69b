"""libpq's defaults for what a connection string leaves out: host, user, password and database name, for all drivers.

libpq uses ``PG*`` variables, then a directory of sockets, the name of the process's user, and the name of the user as
that of the database (fe-connect.c, conninfo_add_defaults and pqConnectOptions2). Deliberate differences:

- a variable in an env file does not complete a text that is more trusted; libpq does not read env files;
- a password of the process is not sent to a host that an env file names (`library_variables` refuses the two);
- for another machine, the process's user is not used; its name says nothing there;
- PGPORT and PGHOSTADDR only belong to the host of PGHOST, and PGPORT to a socket that no text names: a text with a host
  leads to the port 5432;
- the directory of sockets is that of Debian, Red Hat and psycopg's wheels. libpq from source has ``/tmp``.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from envconn.errors import problem
from envconn.grammar import reference
from envconn.grammar.conninfo import LONGEST_NAME
from envconn.grammar.hosts import pair_up
from envconn.grammar.text import ParseState, unfit
from envconn.records import replace
from envconn.selection.host_variables import TOGETHER, about_part, outranked
from envconn.tls.policy import is_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from envconn.connection import Connection, Host, Secret
    from envconn.errors import Finding
    from envconn.sources import Environment

SOCKETS = "/var/run/postgresql"
"""The directory of sockets where no host is stated."""


def completed(
    connection: Connection, environment: Environment, present: AbstractSet[str]
) -> Connection | tuple[Finding, ...]:
    """Return `connection` with libpq's defaults in place of what it does not state, noted in it; or the problems.

    `present` are the variables that count.
    """
    found = _Defaults(connection, environment, present)
    hosts = found.hosts()
    user = connection.user or found.user(hosts)
    dbname = connection.dbname or found.dbname(user)
    password = connection.password or found.password()
    found.check_name(dbname)
    if found.problems:
        return tuple(dict.fromkeys(found.problems))
    notes = (*connection.notes, *found.notes)
    return replace(connection, hosts=hosts, user=user, dbname=dbname, password=password, notes=notes)


def used(connection: Connection, present: AbstractSet[str]) -> set[str]:
    """Return those of the variables `present` that complete `connection`."""
    names = {
        *(() if connection.user else ("PGUSER",)),
        *(() if connection.dbname else ("PGDATABASE",)),
        *(() if connection.password else ("PGPASSWORD",)),
        *(() if connection.host else ("PGHOST", "PGHOSTADDR", "PGPORT")),
    }
    return names.intersection(present)


class _Defaults:
    """Looks up the defaults of one connection, and collects notes and problems."""

    def __init__(self, connection: Connection, environment: Environment, present: AbstractSet[str]) -> None:
        self.connection, self.environment, self.present = connection, environment, present
        self.notes: list[str] = []
        self.problems: list[Finding] = []
        # Parts other than libpq's have variables for each of them.
        self.are_libpqs = not connection.origin.parts or connection.origin.variable == "PGHOST"

    def hosts(self) -> tuple[Host, ...]:
        """Return the hosts: those stated, those of ``PGHOST``, or a socket."""
        if self.connection.host:
            return self.connection.hosts
        port = str(self.connection.port or "") or self._variable("PGPORT", "host-missing")
        host, address = self._variable("PGHOST", "host-missing"), self._variable("PGHOSTADDR", "host-missing")
        if address and not host:
            self.problems.append(problem("hostaddr-alone", "PGHOSTADDR", _NO_HOST))
            return self.connection.hosts
        state = ParseState(replace(self.connection.origin, variable="PGHOST"))
        place = pair_up(state, host or SOCKETS, address, port)
        self.problems += [about_part(each, self.present) for each in state.problems]
        self.notes.append(
            "the host is that of PGHOST" if host else f"there is no host, so it is the socket in {SOCKETS}"
        )
        return place

    def user(self, hosts: tuple[Host, ...]) -> str:
        """Return the user of ``PGUSER``, or on this machine that of the process."""
        if self.are_libpqs and (found := self._variable("PGUSER", "user-missing")):
            self.notes.append("the user is that of PGUSER")
            return found
        if self.are_libpqs and all(map(is_local, hosts)):
            return self._process_user()
        self._refuse("user-missing", _NO_USER)
        return ""

    def dbname(self, user: str) -> str:
        """Return the database of ``PGDATABASE``, or the one with the name of the user."""
        if not self.are_libpqs:
            self._refuse("dbname-missing", "there is no database name. Add /name after the host, or dbname=")
        elif found := self._variable("PGDATABASE", "dbname-missing"):
            self.notes.append("the database name is that of PGDATABASE")
            return found
        else:
            self.notes.append("there is no database name, so it is the name of the user")
        return user

    def password(self) -> Secret | None:
        """Return the password of ``PGPASSWORD``, if it is exactly as trusted as the text."""
        name, own = "PGPASSWORD", self.connection.origin
        if name not in self.present or not self.are_libpqs:
            return None
        lookup = self.environment.lookup(name)
        self.problems += lookup.problems
        found = lookup.found
        # `library_variables` says what is wrong with one that is less trusted, or more, or a reference.
        if not found or found.origin.env_file != own.env_file or reference(found.text.reveal()):
            return None
        self.problems += [problem(code, name, message) for code, message in unfit(found.text.reveal())]
        self.notes.append("the password is that of PGPASSWORD")
        return found.text

    def check_name(self, dbname: str) -> None:
        """Refuse a `dbname` that the server would cut off."""
        if len(dbname.encode()) > LONGEST_NAME:
            self._refuse("dbname-too-long", f"the database name has more than {LONGEST_NAME} bytes. Shorten it")

    def _variable(self, name: str, code: str) -> str:
        """Return the value of a variable that is as trusted as the text, or an empty text."""
        if name not in self.present or self.connection.origin.variable == "PGHOST":
            return ""
        lookup = self.environment.lookup(name)
        self.problems += lookup.problems
        if lookup.found is None:
            return ""
        origin, text = lookup.found.origin, lookup.found.text.reveal()
        if origin.env_file and not self.connection.origin.env_file:
            message = outranked(origin.place, self.connection.origin.variable)
            self.problems.append(problem(code, name, f"{message}. {TOGETHER}"))
        mistake = reference(text)
        self.problems += [problem(wrong, name, message) for wrong, message in ([mistake] if mistake else unfit(text))]
        return text

    def _process_user(self) -> str:
        if sys.platform != "win32":
            from pwd import getpwuid

            with suppress(KeyError):
                name = getpwuid(os.geteuid()).pw_name
                self.notes.append("there is no user, so it is that of the process")
                return name
        self._refuse("user-missing", _NO_ENTRY)
        return ""

    def _refuse(self, code: str, message: str) -> None:
        self.problems.append(problem(code, self.connection.origin.variable, message))


_NO_HOST = "has no PGHOST next to it, so no name can be verified. Set PGHOST"
_NO_USER = "there is no user. Add user:password@ before the host, or set PGUSER"
_NO_ENTRY = "there is no user, and that of the process has no name. Add user:password@ before the host, or set PGUSER"

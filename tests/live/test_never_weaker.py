"""Never weaker than libpq alone: texts, environments and servers, each with each, through every stack.

libpq alone is asked in a process of its own that has the environment. Where it refuses, nothing of ours connects.
Where it connects, ours does so over TLS, or refuses. Nothing of ours tells a password in clear.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import warnings
from contextlib import nullcontext, suppress
from itertools import product
from threading import Timer
from typing import TYPE_CHECKING

import pytest

import envconn
import stacks
from demands import ENVIRONMENTS, SITES, STREETS, TEXTS, Street, opened
from envconn import ConfigurationError
from matrix import CLEAR, TLS
from stacks import STACKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from lab import Lab
    from throwaway.certificates import Certificates

    Cell = tuple[str, str]  # a text and a server

LIVE = os.path.dirname(__file__)

PLAIN = ("nothing", "verify-full")
WHOLE = ("nothing", "every demand", "every weakness")
"""The texts that are tried in each environment, and the environments in which each text is."""

BOTH_WAYS = ("both", "null")
"""Servers at which TLS says too little: one takes clear text, too, and the traffic of the other is readable."""

HARMLESS = {
    "PGSSLCRL, a list that spares",
    "PGSSLCRL and PGSSLCRLDIR",
    "PGCHANNELBINDING=disable",
    "PGSSLCERTMODE=disable",
    "PGREQUIREPEER",
    "PGPASSFILE",
    "PGSSLCRL that is missing",
    "SSL_CERT_FILE, missing",
    "SSL_CERT_DIR, empty",
    "OPENSSL_CONF, Ciphers",
    "OPENSSL_CONF, MinProtocol",
}
"""Environments that change nothing for libpq alone; of the others, each must change something."""

STEP = 7  # each cell is tried through every seventh stack, beginning with another one in each environment


def cells(name: str, sites: Sequence[str]) -> list[Cell]:
    """Return what is tried in an environment at these servers."""
    if name.startswith("SSL_CERT"):
        return list(product(("the system's CAs",), sites))
    return list(product(TEXTS if name in WHOLE else PLAIN + ("require",) * name.startswith(("PGSSL", "a home")), sites))


@pytest.fixture(scope="module")
def street(lab: Lab, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """The servers, and the files that texts and environments name."""
    with opened(lab, certificates, tmp_path_factory.mktemp("street")) as made:
        yield made


class Worker:
    """A script in a process of its own: one process for lines that follow each other in the same environment."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._variables: Mapping[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    def ask(self, variables: Mapping[str, str], line: object) -> list[str]:
        """Return what it answers in a process that was started with these variables and no others."""
        if self._process is None or variables != self._variables:
            self.end()
            self._variables = variables
            self._process = self._start()
        assert self._process.stdin
        assert self._process.stdout
        patience = Timer(300, self._process.kill)
        patience.start()
        self._process.stdin.write(f"{json.dumps(line)}\n")
        self._process.stdin.flush()
        answer: list[str] = json.loads(self._process.stdout.readline())
        patience.cancel()
        return answer

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.communicate(timeout=60)
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        paths = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, os.path.join(LIVE, self._script)]
        environment = {**paths, **self._variables}
        return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Alone:
    """What libpq alone comes to, by environment and cell; asked when it is looked up."""

    def __init__(self, street: Street, worker: Worker) -> None:
        self._street, self._worker = street, worker
        self._told: dict[tuple[str, str], dict[Cell, str]] = {}

    def __call__(self, name: str, cell: Cell) -> str:
        """Return what comes of a cell in the environment `name`."""
        row = next(row for row, sites in STREETS.items() if cell[1] in sites)
        return self.row(name, row)[cell]

    def row(self, name: str, row: str) -> dict[Cell, str]:
        """Return what comes of each cell in a row of servers; libpq reads the environment whenever it connects."""
        if (name, row) not in self._told:
            variables, asked = self._street.environment(name), cells(name, STREETS[row])
            first = variables if ENVIRONMENTS[name].openssl else {}
            texts = [self._street.text(site, TEXTS[text]) for text, site in asked]
            self._told[name, row] = dict(zip(asked, self._worker.ask(first, [variables, texts]), strict=True))
        return self._told[name, row]


@pytest.fixture(scope="module")
def alone(street: Street) -> Iterator[Alone]:
    """What libpq alone comes to."""
    worker = Worker("libpq_alone.py")
    yield Alone(street, worker)
    worker.end()


@pytest.fixture(scope="module")
def ours() -> Iterator[Worker]:
    """Our stacks in a process whose environment OpenSSL reads."""
    worker = Worker("ours_worker.py")
    yield worker
    worker.end()


@pytest.mark.exhaustive
def test_each_environment_changes_something(alone: Alone) -> None:
    changed = {
        name
        for name, row in product(ENVIRONMENTS, STREETS)
        if any(answer[:3] != alone("nothing", cell)[:3] for cell, answer in alone.row(name, row).items())
    }
    assert set(ENVIRONMENTS) - changed == HARMLESS | {"nothing"}


def test_each_server_refuses_something(alone: Alone) -> None:
    for site in SITES:
        assert len({alone("nothing", (text, site))[:3] for text in TEXTS}) > 1 or site == "null"
    assert alone("OPENSSL_CONF, NULL ciphers", ("verify-full", "null")) == "TLS"  # readable all the same


@pytest.mark.sampled(4)
@pytest.mark.parametrize("row", STREETS)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_never_weaker(
    street: Street, alone: Alone, ours: Worker, monkeypatch: pytest.MonkeyPatch, name: str, row: str
) -> None:
    for variable, value in street.environment(name).items():
        monkeypatch.setenv(variable, value)
    assert alone.row("nothing", row)
    assert alone.row(name, row)  # libpq alone tells its password, ours does not
    answer = sum(len(fake.passwords) for fake in street.listeners)
    weaker = [
        f"{text}, {site}, {stack}: {seen}, and libpq alone {alone(name, (text, site))}"
        for (text, site), stack, seen in tried(street, ours, name, tries(street, alone, name, STREETS[row]))
        if CLEAR in seen or (TLS in seen and (site == "null" or not permitted(alone, name, (text, site), stack)))
    ]
    assert not weaker, "\n".join(weaker)
    assert sum(len(fake.passwords) for fake in street.listeners) == answer


def permitted(alone: Alone, name: str, cell: Cell, stack: str) -> bool:
    """Whether libpq alone connects over whatever it takes for enough."""
    ways = [(name, cell)]
    if ENVIRONMENTS[name].lowers:
        ways.append(("nothing", cell))
    if STACKS[stack].driver == "psycopg2" and name == "PGMINPROTOCOLVERSION":
        ways.append(("nothing", cell))  # its libpq does not know the variable
    return any(not alone(where, which).startswith("refused") for where, which in ways)


OPTIONAL = tuple(name for name in ENVIRONMENTS if name.startswith(("nothing", "PGSSLROOTCERT", "a home with")))
LOCAL = {"ENVCONN_TLS_LOCAL": "allow"}
"""With it, a text may do without TLS: libpq checks a certificate if it has a CA, and goes on if it is wrong."""


@pytest.mark.parametrize("name", OPTIONAL)
def test_never_weaker_where_tls_is_optional(
    street: Street, alone: Alone, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in street.environment(name).items():
        monkeypatch.setenv(variable, value)
    weaker = []
    for number, site in enumerate(OPEN):
        told = alone(name, ("nothing", site))
        for stack in tuple(STACKS)[(OPTIONAL.index(name) + number) % 3 :: 3]:
            try:
                seen = stacks.outcome(stack, environ(street, name, ("nothing", site)) | LOCAL, ask=False)
            except ConfigurationError:
                continue
            if (TLS in seen and told.startswith("refused")) or (CLEAR in seen and told != "clear"):
                weaker.append(f"{site}, {stack}: {seen}, and libpq alone {told}")
    assert not weaker, "\n".join(weaker)


OPEN = ("good", "unknownca", "both", "notls", "older")


def test_an_optional_ca_counts_for_libpq_alone(alone: Alone) -> None:
    assert alone("nothing", ("nothing", "good")) == alone("nothing", ("nothing", "both")) == "TLS"
    assert alone("PGSSLROOTCERT, another", ("nothing", "both")) == "clear"
    for name in ("PGSSLROOTCERT, another", "a home with another CA", "PGSSLROOTCERT and PGSSLCRL"):
        assert alone(name, ("nothing", "older")).startswith("refused")


@pytest.mark.parametrize("name", ["PGSSLROOTCERT", "a home with a CA"])
@pytest.mark.parametrize("stack", ["psycopg", "psycopg2"])
def test_an_optional_ca_is_reached(street: Street, monkeypatch: pytest.MonkeyPatch, stack: str, name: str) -> None:
    """So that the test above does not hold because nothing connects."""
    for variable, value in street.environment(name).items():
        monkeypatch.setenv(variable, value)
    found = {
        site: stacks.outcome(stack, environ(street, name, ("nothing", site)) | LOCAL, ask=False)
        for site in ("good", "both", "notls")
    }
    assert found == {"good": {TLS}, "both": {TLS}, "notls": {CLEAR}}


def tries(street: Street, alone: Alone, name: str, sites: Sequence[str]) -> list[tuple[Cell, str]]:
    """Return the cells that load and where it matters who connects, each with some of the stacks."""
    loaded = [cell for cell in cells(name, sites) if isinstance(load(street, name, cell), envconn.SecuredConnection)]
    every, step = tuple(STACKS), len(STACKS) if name in WHOLE else STEP
    first = list(ENVIRONMENTS).index(name) + SITES.index(sites[0])
    return [
        (cell, stack)
        for number, cell in enumerate(loaded)
        for stack in every[(first + number + number // len(sites)) % step :: step]
        if cell[1] in BOTH_WAYS or not permitted(alone, name, cell, stack) or alone(name, cell) == "clear"
    ]


def load(street: Street, name: str, cell: Cell) -> envconn.SecuredConnection | ConfigurationError:
    try:
        return envconn.load(environ(street, name, cell), env_file=None).database
    except ConfigurationError as refusal:
        return refusal


def environ(street: Street, name: str, cell: Cell) -> dict[str, str]:
    text, site = cell
    uri = street.text(site, TEXTS[text])
    return {"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce", **street.environment(name)}


def tried(
    street: Street, ours: Worker, name: str, chosen: list[tuple[Cell, str]]
) -> Iterator[tuple[Cell, str, set[str]]]:
    """Yield each of `chosen` with what may have come of it; where OpenSSL reads the environment, in a process anew."""
    if ENVIRONMENTS[name].openssl and chosen:
        line = [(stack, environ(street, name, cell)) for cell, stack in chosen]
        for (cell, stack), seen in zip(chosen, ours.ask(street.environment(name), line), strict=True):
            yield cell, stack, set(seen)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncpg forgets to close what refuses it
        for cell, stack in chosen:
            with suppress(ConfigurationError):
                yield cell, stack, stacks.outcome(stack, environ(street, name, cell), ask=False)
        gc.collect()


@pytest.mark.parametrize("stack", STACKS)
def test_what_libpq_alone_connects_to_is_reached(street: Street, alone: Alone, stack: str) -> None:
    """So that the tests above do not hold because nothing connects."""
    found = {}
    for text in ("require", "verify-full", "a list", "TLS 1.2", "TLS at once"):
        for site in ("good", "wronghost", "older", "alpn"):
            if alone("nothing", (text, site)) == "TLS":
                with refusal(stack, text):
                    found[text, site] = stacks.outcome(stack, environ(street, "nothing", (text, site)), ask=False)
    assert len(found) > 9
    assert {cell: seen for cell, seen in found.items() if seen != {TLS}} == {}


def refusal(stack: str, text: str) -> AbstractContextManager[object]:
    """Expect that pg8000 refuses direct TLS by name, and nothing else."""
    if text == "TLS at once" and "pg8000" in stack:
        return pytest.raises(ConfigurationError, match="pg8000 does not support sslnegotiation=direct")
    return nullcontext()

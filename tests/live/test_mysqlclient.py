"""A real MariaDB through mysqlclient: every level is held or refused, by the library that it is built with.

Debian's build (1.4, MariaDB's library) comes with tests/run and runs in a process of its own, on a
Python that can load it; one that is installed beside the tests is tried as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import envconn
import matrix
import mysqlserver
from envconn import TlsLevel
from installed import ServerMissing
from matrix import RULES, SITES, TRUSTED
from test_mysql import CLAIMS, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from installed import Installations
    from mysqlserver import MySQL
    from servers import States
    from throwaway.certificates import Certificates

WORKER = Path(__file__).with_name("mysqlclient_worker.py")
_ENDS = {
    "certificate has expired": matrix.UNTRUSTED,
    "local issuer certificate": matrix.UNTRUSTED,
    "self-signed certificate": matrix.UNTRUSTED,
    "Validation of SSL server certificate failed": matrix.MISNAMED,
    "Hostname verification failed": matrix.MISNAMED,
    "SSL is required, but the server does not": matrix.NO_TLS,
    "Access denied for user 'app'": matrix.NOT_IN_CLEAR,
}
REFUSED = "refused at hand-over"


class Client:
    """A process with mysqlclient in it: its version, and that of the library."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout
        own, library = json.loads(process.stdout.readline())
        self.own, self.library = tuple(own), tuple(map(int, re.findall("[0-9]+", library)[:2]))

    def ask(self, **request: Any) -> dict[str, str]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, str] = json.loads(self._process.stdout.readline())
        outcome = answer.get("outcome", "")
        return answer | {"outcome": next((end for words, end in _ENDS.items() if words in outcome), outcome)}

    def holds(self, level: TlsLevel) -> bool:
        """Whether MariaDB's library, whichever this one is, can hold `level` at a loopback address."""
        if level < TlsLevel.ENCRYPTED:
            return True
        return level == TlsLevel.VERIFY_FULL and self.own >= (2, 2) and self.library < (3, 4)


_INSTALLED = find_spec("MySQLdb")


@pytest.fixture(scope="module", params=["debian", *(["installed"] if _INSTALLED else [])])
def client(request: pytest.FixtureRequest, installations: Installations, machine: dict[str, str]) -> Iterator[Client]:
    paths, environ = [str(Path(envconn.__file__).parents[1])], {"PATH": machine.get("PATH", os.defpath)}
    if request.param == "debian":
        if machine.get("ENVCONN_TEST_MYSQL") != "1":
            pytest.skip("only with ENVCONN_TEST_MYSQL=1")
        try:
            tree = installations.tree("mysqlclient")
        except ServerMissing as reason:
            pytest.skip(str(reason))
        paths.append(str(tree / "usr/lib/python3/dist-packages"))
        environ["LD_LIBRARY_PATH"] = ":".join(map(str, tree.glob("usr/lib/*-linux-gnu*")))
    else:
        assert _INSTALLED
        assert _INSTALLED.origin
        paths.append(str(Path(_INSTALLED.origin).parents[1]))
        environ |= {name: machine[name] for name in ("LD_LIBRARY_PATH",) if name in machine}
    environ["PYTHONPATH"] = ":".join(paths)
    python = next((each for each in _pythons() if _loads(each, environ)), None)
    if python is None:
        pytest.skip("no Python here can load mysqlclient")
    command = [python, str(WORKER)]
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/"
    ) as process:
        yield Client(process)


def _pythons() -> Iterator[str]:
    yield sys.executable
    for folder in ("/usr/bin", *os.get_exec_path()):
        yield from (f"{folder}/{name}" for name in ("python3", "python3.11") if os.access(f"{folder}/{name}", os.X_OK))


def _loads(python: str, environ: dict[str, str]) -> bool:
    done = subprocess.run([python, "-c", "import MySQLdb"], env=environ, capture_output=True, check=False, cwd="/")
    return done.returncode == 0


@pytest.mark.parametrize("state", mysqlserver.STATES)
@pytest.mark.parametrize("local", RULES)
@pytest.mark.parametrize("floor", ["require", "verify-full"])
def test_what_is_promised_is_what_happens(
    client: Client, mysql: States[MySQL], certificates: Certificates, floor: str, local: str, state: str
) -> None:
    broken = []
    site = SITES["notls" if state == "plain" else state]
    for name, mode in product(CLAIMS, ("absent", *WORDS)):
        ca = {"right": {"ssl-ca": str(certificates.ca)}, "wrong": {"ssl-ca": str(certificates.other_ca)}}.get(name, {})
        uri = mysql[state].uri("127.0.0.1", **({"ssl-mode": WORDS[mode]} if mode in WORDS else {}), **ca)
        environ = {"DATABASE_URL": uri, "ENVCONN_TLS": floor, "ENVCONN_TLS_LOCAL": local}
        environ |= {"DATABASE_CA_CERT": certificates.ca.read_text("ascii")} if name == "text" else {}
        due = matrix.promised(RULES[local], mode, name, floor)
        answer = client.ask(environ=environ)
        if not isinstance(due, TlsLevel):
            good = answer.get("refused") == due
        elif not client.holds(due):
            good = "mysqlclient" in answer.get("refused", "") or "MariaDB" in answer.get("refused", "")
        else:
            good = answer == {"level": due.name, "outcome": _due(client, due, state, TRUSTED[name])}
        if not good:
            broken.append(f"{mode}, CA {name}: {answer}; should be {due!s} at {site}")
    assert not broken, "\n".join(broken)


def _due(client: Client, level: TlsLevel, state: str, trusted: str | None) -> str:
    site = SITES["notls" if state == "plain" else state]
    # An old version gets no ssl_mode, and uses no TLS by default; that level allows it.
    old = client.own < (2, 2) and level == TlsLevel.OPPORTUNISTIC
    return matrix.expected(TlsLevel.NONE if old else level, site, trusted)


def arguments(server: MySQL, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "user": server.user, "secret": server.password, **more}


def test_mysqlclient_as_it_is(client: Client, mysql: States[MySQL], certificates: Certificates) -> None:
    """What is recommended everywhere: a CA, and since 2.2 a mode, with MariaDB's library under it."""
    files = {"ssl": {"ca": str(certificates.ca)}}
    assert client.ask(arguments=arguments(mysql["good"], **files))["outcome"] == matrix.TLS
    assert client.ask(arguments=arguments(mysql["wronghost"], **files))["outcome"] == matrix.TLS
    assert client.ask(arguments=arguments(mysql["plain"], **files))["outcome"] == matrix.CLEAR
    if client.own >= (2, 2):
        required = arguments(mysql["plain"], ssl_mode="REQUIRED", **files)
        assert client.ask(arguments=required)["outcome"] == matrix.CLEAR


def test_localhost_is_a_socket(client: Client, mysql: States[MySQL], certificates: Certificates) -> None:
    server = mysql["good"]
    assert "through socket" in client.ask(arguments=arguments(server) | {"host": "localhost"})["outcome"]
    verified = server.uri(**{"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": str(certificates.ca)})
    assert "mysqlclient uses a unix socket for localhost" in client.ask(environ={"DATABASE_URL": verified})["refused"]


def test_login(client: Client, mysql: States[MySQL], certificates: Certificates) -> None:
    """Through the driver of the scheme, which may refuse the level, and the codes of its errors."""
    good = mysql["good"].uri("127.0.0.1", **{"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": str(certificates.ca)})
    plain = mysql["plain"].uri("127.0.0.1", **{"ssl-mode": "DISABLED"})
    expected = {
        plain: "",
        good: "" if client.holds(TlsLevel.VERIFY_FULL) else "driver-missing",
        plain.replace(mysql["plain"].password, "wrong"): "password-refused",
        plain.replace(f"/{mysql['plain'].dbname}", "/absent"): "database-absent",
        "mysql://app@127.0.0.1:1/shop": "host-unreachable",
    }
    for uri, code in expected.items():
        url = uri.replace("mysql://", "mysql+mysqldb://")
        answer = client.ask(environ={"DATABASE_URL": url}, timeout=10)
        assert (answer["refused"], answer["outcome"]) == (code, "" if code else "mysqldb"), answer

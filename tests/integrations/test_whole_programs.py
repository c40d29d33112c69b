"""The programs of examples/ as processes: under every policy, one cell of the matrix for each way to end.

The cells are `matrix.WHOLE`; what each must come to is looked up where the drivers alone have it from.
"""

from __future__ import annotations

import re
import subprocess
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest

import deployed
import envconn
import libpq_drivers
import matrix
from celery_example import Example
from envconn import TlsLevel
from matrix import CLAIMS, FLOORS, RULES, SITES, TLS, TRUSTED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab import Lab
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.application

EX_CONFIG = 78
ENDS = {TLS, matrix.UNTRUSTED, matrix.MISNAMED, matrix.NO_TLS}
SITE, APP = deployed.EXAMPLES / "django_site", deployed.EXAMPLES / "flask_app"


class Cell(NamedTuple):
    """What must come of it (the codes of the refusal, or a word of the matrix), the variables, and a directory."""

    want: str
    environ: dict[str, str]
    home: Path


@pytest.fixture
def cells(
    lab: Lab, private: Server, certificates: Certificates, tmp_path: Path, request: pytest.FixtureRequest
) -> list[Cell]:
    """The cells of the policy that the test is about."""
    floor: str = request.getfixturevalue("floor")
    found = []
    for number, (mode, name, site) in enumerate(WHOLE[floor]):
        claim, server = CLAIMS[name](certificates), private if site == "good" else lab[site]
        due = matrix.promised(RULES["enforce"], mode, name, floor)
        want = matrix.expected(due, SITES[site], TRUSTED[name]) if isinstance(due, TlsLevel) else due
        environ = {"DATABASE_URL": server.uri(**claim.query(mode)), "ENVCONN_TLS": floor, **dict(claim.environ)}
        environ |= {"ENVCONN_TLS_LOCAL": "enforce"}
        (home := tmp_path / str(number)).mkdir()
        found.append(Cell(want, environ, home))
    return found


def seen(program: Callable[[Cell], str], cells: list[Cell]) -> list[str]:
    """Run the program in every cell, two at a time, and return what came of it."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(program, cells))


def recognised(text: str) -> str:
    """Return the word for the reason that `text` gives, or its end."""
    return next((meaning for words, meaning in libpq_drivers.WORDS.items() if words in text), text[-2000:])


def objected(output: str, environ: dict[str, str]) -> bool:
    """Whether `told` holds everything that stands against `environ`, which is something."""
    try:
        envconn.load(environ, env_file=None)
    except envconn.ConfigurationError as refusal:
        problems = refusal.problems
    else:
        return False
    return "Traceback" not in output and all(str(problem) in output for problem in problems)


def refused(command: list[str], folder: Path, environ: dict[str, str], cell: Cell) -> str:
    """Return what is wanted, codes, if the program ends over its environment, as these demand."""
    done = deployed.run(command, folder, environ)
    if done.returncode == EX_CONFIG and objected(done.stderr, cell.environ):
        return cell.want
    return f"{done.returncode}: {done.stderr}"


def ungated(folder: Path, process: str) -> list[str]:
    """Return the command of a Procfile without the live gate, behind which a bad server's driver never comes."""
    *shell, line = deployed.procfile(folder)[process]
    bare, count = re.subn(r" --live --login --wait [0-9]+", "", line)
    assert count == 1
    return [*shell, bare]


def django(cell: Cell) -> str:
    command, environ = ungated(SITE, "postdeploy"), _environment(cell, SECRET_KEY="a key for tests")
    if cell.want not in ENDS:
        return refused(command, SITE, environ, cell)
    done = deployed.run(command, SITE, environ)
    return TLS if done.returncode == 0 else recognised(done.stderr)


def flask(cell: Cell) -> str:
    port = deployed.free_port()
    command, environ = ungated(APP, "web"), _environment(cell, PORT=str(port))
    if cell.want not in ENDS:
        return refused(command, APP, environ, cell)
    with subprocess.Popen(command, cwd=APP, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            page = deployed.fetched(port)
        except urllib.error.HTTPError:
            page = {}
        finally:
            process.terminate()
            _, output = process.communicate(timeout=20)
    return TLS if page.get("ssl") is True else recognised(output)


def _environment(cell: Cell, **variables: str) -> dict[str, str]:
    return deployed.environment(**cell.environ, HOME=str(cell.home), TMPDIR=str(cell.home), **variables)


@pytest.mark.parametrize("floor", FLOORS)
def test_a_django_site_migrates(cells: list[Cell], floor: str) -> None:
    assert seen(django, cells) == [cell.want for cell in cells]


@pytest.mark.parametrize("floor", FLOORS)
def test_a_flask_application_serves_a_request(
    private: Server, certificates: Certificates, cells: list[Cell], floor: str
) -> None:
    uri = private.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    made = deployed.run(deployed.procfile(APP)["release"], APP, deployed.environment(DATABASE_URL=uri))
    assert made.returncode == 0, made.stderr
    assert seen(flask, cells) == [cell.want for cell in cells]


@pytest.mark.parametrize("floor", FLOORS)
def test_a_celery_worker_keeps_its_results(
    redis_server: States[Redis], private: Server, certificates: Certificates, cells: list[Cell], floor: str
) -> None:
    """The broker is the right one in every cell. Where the place of results is not, the client gets none from there."""
    broker = {"QUEUE": redis_server["good"].uri(database=4, ssl_ca_certs=str(certificates.ca))}

    def celery(cell: Cell) -> str:
        example = Example(cell.home, {**cell.environ, **broker, "ENVCONN_BROKER_VARIABLE": "QUEUE"})
        if cell.want != TLS:
            output = example.add_without_patience()
            return cell.want if objected(output, cell.environ) else recognised(output)
        with example.working():
            return TLS if example.add(2, 3) == "5" else example.log

    assert seen(celery, cells) == [cell.want for cell in cells]
    with psycopg.connect(private.uri(sslmode="require")) as connection:
        assert ("SUCCESS",) in connection.execute("select status from celery_taskmeta").fetchall()

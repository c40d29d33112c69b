"""The matrix of tests/live through Django: the verdicts are those of the drivers alone, cell by cell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import django_worker
import fakes
import matrix
from fakes import Fake
from matrix import CLAIMS, LENIENT, MODES, SITES, STRICT
from throwaway.certificates import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import envconn
    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

    Ask = Callable[[django_worker.Request], dict[str, str]]

RULES = {"enforce": STRICT, "allow": LENIENT}


@pytest.fixture(scope="module", params=["psycopg", "psycopg2"])
def ask(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Ask]:
    """Ask a worker that lives as long as the module; the right CA is the only one that its system trusts."""
    environ = {"SSL_CERT_FILE": str(certificates.ca), "HOME": "/nonexistent", **_kept()}
    command = [sys.executable, django_worker.__file__, request.param]
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as worker:
        assert worker.stdin
        assert worker.stdout
        send, receive = worker.stdin, worker.stdout

        def ask(cell: django_worker.Request) -> dict[str, str]:
            send.write(json.dumps(cell) + "\n")
            answer: dict[str, str] = json.loads(receive.readline())
            return answer

        yield ask
        send.close()


def _kept() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("COV", "PATH", "PYTHON", "LD_"))}


@contextmanager
def standing(site: str, lab: Lab, certificates: Certificates) -> Iterator[Server | Fake]:
    answer, signer = SITES[site].answer, SITES[site].signer
    if answer is None:
        yield lab[site]
    else:
        with fakes.running(answer, certificates.good if signer else None) as fake:
            yield fake


@pytest.mark.parametrize("site", SITES)
def test_what_is_promised_is_what_happens(ask: Ask, lab: Lab, certificates: Certificates, site: str) -> None:
    broken = []
    with standing(site, lab, certificates) as there:
        for local, name, mode in product(RULES, CLAIMS, MODES):
            claim = CLAIMS[name](certificates)
            uri = there.uri(HOST, **claim.query(mode), hostaddr="127.0.0.1", connect_timeout="10")
            due = matrix.promised(RULES[local], mode, name)
            want = due if isinstance(due, str) else matrix.expected(due, SITES[site], claim.trusted)
            before = spilled(there)
            environ = {"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": local, **dict(claim.environ)}
            answer = ask({"environ": environ, "ask": not isinstance(there, Fake)})
            found, seen, told = answer["level"], outcome(answer), spilled(there) > before
            if (found, seen, told) != (level(due), want, want == matrix.CLEAR and isinstance(there, Fake)):
                leak = ", and told it in clear" if told else ""
                broken.append(f"{local}, {mode}, CA {name}: {found} and {seen}{leak}; should be {due!s} and {want}")
    assert not broken, "\n".join(broken)


def level(due: envconn.TlsLevel | str) -> str:
    return due if isinstance(due, str) else due.name


def outcome(answer: dict[str, str]) -> str:
    if "error" in answer:
        return matrix.recognised(answer["error"])
    if answer.get("server", answer["client"]) != answer["client"]:
        return matrix.DISAGREE
    return matrix.TLS if answer["client"] == "True" else matrix.CLEAR


def spilled(there: Server | Fake) -> int:
    """Count what has reached a fake in clear so far: start-up packets and passwords."""
    return len(there.startups) + len(there.passwords) if isinstance(there, Fake) else 0


def test_the_workers_are_what_they_are_called() -> None:
    for driver in ("psycopg", "psycopg2"):
        code = f"import sys; sys.argv = ['', {driver!r}]; import django_worker; from django.conf import settings as s"
        shown = "s.configure(); from django.db.backends.postgresql.base import Database; print(Database.__name__)"
        environ = {**_kept(), "PYTHONPATH": os.pathsep.join([str(Path(django_worker.__file__).parent), *_path()])}
        done = subprocess.run(
            [sys.executable, "-c", f"{code}\n{shown}"], env=environ, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == driver


def _path() -> list[str]:
    return list(filter(None, [os.environ.get("PYTHONPATH")]))

"""``--wait``: what waiting cures is waited for, and nothing else; the end comes in time, or with a signal at once."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from commands import MARKER, run, started
from throwaway import postgres
from throwaway.process import free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from lab import Lab
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

# A command that waits although waiting cannot help is killed by `run` long before this time.
FOR_EVER = ("--wait", "3600", "--timeout", "20")


@pytest.fixture(scope="module")
def template() -> Iterator[postgres.Template]:
    """A PostgreSQL to be started at a time and on a port of the test's choice."""
    with postgres.template() as prepared:
        yield prepared


def variables(template: postgres.Template, port: int, certificates: Certificates) -> dict[str, str]:
    uri = f"postgresql://app:{template.password}@localhost:{port}/postgres?sslmode=verify-full"
    return {"DATABASE_URL": uri, "DATABASE_CA_CERT": str(certificates.ca)}


def first_line(process: subprocess.Popen[str]) -> str:
    """Block until something is said."""
    assert process.stderr
    return process.stderr.readline()


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"]], ids=" ".join)
def test_a_server_that_comes_up_is_waited_for(
    arguments: list[str], template: postgres.Template, certificates: Certificates
) -> None:
    port = free_port()
    with started(*arguments, *FOR_EVER, **variables(template, port, certificates)) as process:
        line = first_line(process)
        assert line.startswith(f"waiting for DATABASE_URL: localhost:{port} refuses the connection")
        assert line.endswith("[connection-refused]\n")
        with template.running(certificates.good, port=port):
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.startswith("{" if "--json" in arguments else "ok database")
    assert len(err.splitlines()) <= 3, "a line for each change of state, not one for each attempt"


def test_one_of_several_is_waited_for(lab: Lab, template: postgres.Template, certificates: Certificates) -> None:
    """The other one is not asked again: what it shows in the meantime is not seen."""
    port = free_port()
    with template.running(certificates.good) as fickle:
        environ = variables(template, port, certificates)
        environ["A_DATABASE_URL"] = fickle.uri(sslmode="verify-full")
        with started("check", *FOR_EVER, **environ) as process:
            assert "[connection-refused]" in first_line(process)
            fickle.use(certificates.expired)
            with template.running(certificates.good, port=port):
                out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.count("ok ") == 2


@pytest.mark.parametrize(("pair", "code"), [("expired", "certificate-expired"), (None, "tls-refused")])
def test_what_it_then_shows_may_end_it(
    pair: str | None, code: str, template: postgres.Template, certificates: Certificates
) -> None:
    port = free_port()
    with started("check", *FOR_EVER, **variables(template, port, certificates)) as process:
        assert "[connection-refused]" in first_line(process)
        with template.running(None if pair is None else getattr(certificates, pair), port=port):
            _, err = process.communicate(timeout=60)
    assert process.returncode == 76
    assert f"[{code}]" in err


@pytest.mark.parametrize("state", ["notls", "expired", "wronghost", "unknownca"])
def test_a_permanent_failure_ends_the_wait_at_once(state: str, lab: Lab, certificates: Certificates) -> None:
    uri = lab[state].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    done = run("check", *FOR_EVER, DATABASE_URL=uri)
    assert done.code == 76
    assert "waiting" not in done.err


def test_nor_beside_something_that_it_does(lab: Lab, certificates: Certificates) -> None:
    uri = lab["expired"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    away = f"postgresql://app:{MARKER}@localhost:{free_port()}/app?sslmode=require"
    done = run("check", *FOR_EVER, DATABASE_URL=uri, A_DATABASE_URL=away)
    assert (done.code, "waiting" in done.err) == (76, False)


def test_a_server_that_never_comes() -> None:
    begun = time.monotonic()
    done = run("check", "--wait", "1.5", "--timeout", "1", DATABASE_URL=f"postgresql://app:{MARKER}@localhost:1/app")
    assert time.monotonic() - begun >= 1.5, "it gave up before"
    assert (done.code, done.codes) == (69, ["connection-refused"])
    assert [line.partition(" ")[0] for line in done.err.splitlines()] == ["waiting", "error", "1"]


def test_how_many_are_waited_for() -> None:
    ports = {"DATABASE_URL": 1, "A_DATABASE_URL": 2, "B_DATABASE_URL": 3}
    uris = {name: f"postgresql://app:{MARKER}@localhost:{port}/app" for name, port in ports.items()}
    with started("check", *FOR_EVER, **uris) as process:
        assert first_line(process).endswith("[connection-refused], and 2 more\n")
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("rest", [["check"], ["exec"]], ids=" ".join)
def test_a_signal_ends_the_wait(number: signal.Signals, code: int, rest: list[str]) -> None:
    (command,) = rest
    child = ["--", "echo", "started"] if command == "exec" else []
    uri = f"postgresql://app:{MARKER}@localhost:{free_port()}/app"
    with started(command, *FOR_EVER, *child, DATABASE_URL=uri) as process:
        assert first_line(process).startswith("waiting")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, "", "")


def test_sigterm_is_handled_where_the_kernel_would_drop_it() -> None:
    """The first process of a container gets no signal that it does not handle (pid_namespaces(7))."""
    uri = f"postgresql://app:{MARKER}@localhost:{free_port()}/app"
    with started("exec", *FOR_EVER, "--", "true", DATABASE_URL=uri) as process:
        assert first_line(process).startswith("waiting")
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
        assert caught & 1 << (signal.SIGTERM - 1)

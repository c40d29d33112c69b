"""examples/boot_gate, each recipe started by the lines of its own file against real servers, right and wrong."""

from __future__ import annotations

import re
import signal
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import deployed
import recipes
from recipes import APP, Bench
from throwaway import binaries, postgres
from throwaway.process import workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab import Lab
    from recipes import Recipe
    from throwaway.certificates import Certificates
    from throwaway.server import Server

pytestmark = pytest.mark.application

FOUND = recipes.found()
SERVERS = ("docker", "scalingo web", "kubernetes web", "systemd", "compose web")
TASKS = ("scalingo postdeploy", "compose tables")
CHECKS = ("kubernetes init", "kubernetes probe", "systemd drop-in", "actions")
LOGINS = [name for name, recipe in FOUND.items() if recipe.logs_in]
# Two platforms that start the image as it is: what is refused differs by their variables alone.
DISTINCT = [name for name in FOUND if name not in {"kubernetes web", "compose web"}]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def private(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the application's tables."""
    with postgres.running(certificates.good) as server:
        done = run(Bench(tmp_path_factory.mktemp("tables")), FOUND["compose tables"], server.uri(), certificates.ca)
        assert done.returncode == 0, done.stderr
        yield server


def run(bench: Bench, recipe: Recipe, uri: str, ca: Path, wait: str | None = None) -> subprocess.CompletedProcess[str]:
    return deployed.run(bench.command(recipe, wait), bench.folder(recipe), bench.environment(recipe, uri, ca))


def test_no_recipe_is_left_out() -> None:
    assert {*SERVERS, *TASKS, *CHECKS, "compose health"} == set(FOUND)
    assert set(FOUND) - set(LOGINS) == {"kubernetes probe", "compose health"}, "probes do not log in, the rest does"


# The right server


@pytest.mark.parametrize("name", TASKS)
def test_a_task_runs(bench: Bench, private: Server, certificates: Certificates, name: str) -> None:
    done = run(bench, FOUND[name], private.uri(), certificates.ca)
    assert done.returncode == 0, done.stderr
    assert bench.started.exists()


@pytest.mark.parametrize("name", SERVERS)
def test_the_application_serves(bench: Bench, private: Server, certificates: Certificates, name: str) -> None:
    recipe, uri, ca = FOUND[name], private.uri(), certificates.ca
    with deployed.serving(bench.command(recipe), APP, bench.environment(recipe, uri, ca)):
        page = deployed.fetched(bench.port)
        healthy = run(bench, FOUND["compose health"], uri, ca)
    assert (page["ssl"], page["version"]) == (True, "TLSv1.3")
    assert healthy.returncode == 0, healthy.stderr


def test_the_health_check_of_compose_fails_without_a_server(
    bench: Bench, private: Server, certificates: Certificates
) -> None:
    done = run(bench, FOUND["compose health"], private.uri(), certificates.ca)
    assert done.returncode == 1
    assert "ConnectionRefusedError" in done.stderr


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_passes(bench: Bench, lab: Lab, certificates: Certificates, name: str) -> None:
    done = run(bench, FOUND[name], lab["good"].uri(), certificates.ca)
    assert done.returncode == 0, done.stderr
    assert "database" in done.stdout
    assert lab["good"].password not in done.stdout + done.stderr
    assert bench.started.exists() is (name == "actions")


# Anything else


def assert_refused(bench: Bench, done: subprocess.CompletedProcess[str], code: int) -> None:
    assert done.returncode == code, done.stderr
    assert not bench.started.exists(), "it was started in spite of the gate"
    assert "error " in done.stderr
    assert "Traceback" not in done.stderr
    assert not re.search("marker-p|BEGIN CERT", done.stdout + done.stderr)


@pytest.mark.parametrize("name", FOUND)
def test_a_wrong_configuration(bench: Bench, certificates: Certificates, name: str) -> None:
    uri = "postgresql://app:marker-password@db.example.com/app?sslmode=disable"
    assert_refused(bench, run(bench, FOUND[name], uri, certificates.ca), 78)


@pytest.mark.parametrize("uri", ["", "postgresql://app:marker-p@ssword@db.example.com/app", "marker-password"])
def test_other_ways_to_be_wrong(bench: Bench, certificates: Certificates, uri: str) -> None:
    assert_refused(bench, run(bench, FOUND["docker"], uri, certificates.ca), 78)


@pytest.mark.parametrize("name", FOUND)
def test_a_wrong_certificate(bench: Bench, lab: Lab, certificates: Certificates, name: str) -> None:
    done = run(bench, FOUND[name], lab["unknownca"].uri(), certificates.ca)
    assert_refused(bench, done, 76)
    assert lab["unknownca"].password not in done.stdout + done.stderr


@pytest.mark.parametrize("state", ["expired", "wronghost", "notls"])
def test_other_ways_to_be_the_wrong_server(bench: Bench, lab: Lab, certificates: Certificates, state: str) -> None:
    assert_refused(bench, run(bench, FOUND["docker"], lab[state].uri(), certificates.ca), 76)


@pytest.mark.parametrize("name", sorted({*LOGINS} & {*DISTINCT}))
def test_a_wrong_password(bench: Bench, lab: Lab, certificates: Certificates, name: str) -> None:
    uri = lab["good"].uri().replace(lab["good"].password, "marker-password")
    assert_refused(bench, run(bench, FOUND[name], uri, certificates.ca), 77)


@pytest.mark.parametrize("name", sorted(set(FOUND) - set(LOGINS)))
def test_without_login_no_password_is_tried(bench: Bench, lab: Lab, certificates: Certificates, name: str) -> None:
    uri = lab["good"].uri().replace(lab["good"].password, "marker-password")
    # The health check goes on to the application, which is not there.
    assert run(bench, FOUND[name], uri, certificates.ca).returncode == (1 if name == "compose health" else 0)


@pytest.mark.parametrize("name", DISTINCT)
def test_no_server_listens(bench: Bench, certificates: Certificates, name: str) -> None:
    uri = f"postgresql://app:marker-password@localhost:{bench.port}/app"
    assert_refused(bench, run(bench, FOUND[name], uri, certificates.ca, wait="0.3"), 69)


def test_a_server_that_takes_unencrypted_stops_the_deployment(
    bench: Bench, lab: Lab, certificates: Certificates
) -> None:
    done = run(bench, FOUND["actions"], lab["both"].uri(), certificates.ca)
    assert_refused(bench, done, 76)
    assert "[tls-not-enforced]" in done.stderr
    assert "::error title=envconn%3A tls-not-enforced::" in done.stderr


# What the comments of the files say


def test_the_gate_ends_by_sigterm(bench: Bench, certificates: Certificates) -> None:
    uri = f"postgresql://app:marker-password@localhost:{bench.port}/app"
    environ = bench.environment(FOUND["docker"], uri, certificates.ca)
    with subprocess.Popen(bench.command(FOUND["docker"]), env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("waiting for ")
        process.terminate()
        output = process.communicate(timeout=20)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in output
    assert not bench.started.exists()


def test_the_gate_waits_for_a_server(bench: Bench, certificates: Certificates) -> None:
    environ = bench.environment(FOUND["kubernetes init"], "", certificates.ca)
    with postgres.template() as template:
        uri = f"postgresql://app:{template.password}@localhost:{bench.port}/postgres"
        command = bench.command(FOUND["kubernetes init"])
        with subprocess.Popen(
            command, env=environ | {"DATABASE_URL": uri}, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("waiting for ")
            with template.running(certificates.good, port=bench.port):
                output = process.communicate(timeout=60)[1]
    assert process.returncode == 0, output


def test_the_pod_needs_no_root_no_home_and_writes_to_tmpdir_only(private: Server, certificates: Certificates) -> None:
    account = account_that_reaches_this_python()
    with workplace(account) as directory:
        bench = Bench(directory)
        for name in ("kubernetes init", "kubernetes probe"):
            done = deployed.run(
                bench.command(FOUND[name]), APP, in_the_pod(bench, name, private, certificates), account
            )
            assert done.returncode == 0, done.stderr
        environ = in_the_pod(bench, "kubernetes web", private, certificates)
        with deployed.serving(bench.command(FOUND["kubernetes web"]), APP, environ, account):
            deployed.fetched(bench.port)


def in_the_pod(bench: Bench, name: str, server: Server, certificates: Certificates) -> dict[str, str]:
    environ = bench.environment(FOUND[name], server.uri(), certificates.ca)
    # Coverage writes to places of its own.
    return {each: environ[each] for each in environ if not each.startswith("COV")} | {"HOME": "/nonexistent"}


def account_that_reaches_this_python() -> binaries.Account:
    """Return `nobody` for root, or us where the checkout is below root's own home, and closed to `nobody`."""
    account = binaries.current_account()
    try:
        account.run([sys.executable, "-c", "import envconn"], seconds=20)
    except (PermissionError, subprocess.CalledProcessError):
        return deployed.US
    return account


def test_systemd_hears_from_the_process_that_it_started(
    bench: Bench, private: Server, certificates: Certificates
) -> None:
    recipe = FOUND["systemd"]
    address = str(bench.directory / "notify")
    environ = bench.environment(recipe, private.uri(), certificates.ca) | {"NOTIFY_SOCKET": address}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.settimeout(60)
        with deployed.serving(bench.command(recipe), APP, environ) as pid:
            output, [(_, kind, credentials)], *_ = manager.recvmsg(4096, socket.CMSG_SPACE(12))
    assert b"READY=1" in output
    assert (kind, struct.unpack("3i", credentials)[0]) == (socket.SCM_CREDENTIALS, pid)


def test_systemd_restarts_what_waiting_can_cure_and_nothing_else(
    bench: Bench, lab: Lab, certificates: Certificates
) -> None:
    prevented = {int(code) for code in recipes.unit("envconn-app.service")["RestartPreventExitStatus"][0].split()}
    good = lab["good"]
    codes = {
        run(bench, FOUND["systemd"], uri, certificates.ca, wait="0").returncode
        for uri in (
            good.uri(sslmode="disable"),
            good.uri().replace(good.password, "marker-password"),
            lab["notls"].uri(),
            good.uri().replace(str(good.port), str(bench.port)),
        )
    }
    assert codes - prevented == {69}
    assert prevented <= codes

"""A CA that came as text, in processes for which files are scarce: nothing is written, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

import envconn
import envconn_psycopg
import spawned

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Lab
    from throwaway.certificates import Certificates

PROGRAM = """
import encodings.idna  # another user may be unable to import anything
import os, signal, sys, tempfile, traceback
import psycopg, psycopg2, sqlalchemy
import envconn, envconn_psycopg, envconn_sqlalchemy
from envconn.tls import ca_file

tempfile.tempdir = ca_file.SHARED_MEMORY = "/proc"  # no user can write there, root included
services = envconn.load(env_file=None)
given = envconn_psycopg.kwargs(services)
[each.close() for each in [psycopg.connect(**given)]]
engine = envconn_sqlalchemy.create_engine(services, driver="psycopg", poolclass=sqlalchemy.NullPool)

def ways():
    yield psycopg.connect(**given)
    yield psycopg2.connect(**envconn_psycopg.kwargs(services, driver="psycopg2"))
    yield engine.connect()

def trusts(step):
    for connection in ways():
        connection.close()
    print(step, flush=True)

def in_a_fork(*work):
    if not (child := os.fork()):
        try:
            [step() for step in work]
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.waitpid(child, 0)

def become_another():
    if not os.getuid():
        os.setgid(65534)
        os.setuid(65534)

trusts("no directory is writable")
in_a_fork(lambda: trusts("a fork"))
# gunicorn with preload_app and user: loaded as root, forked, and then another user
in_a_fork(become_another, lambda: trusts("a fork as another user"))
# a daemon: what our code is asked for is made anew
closed = lambda: (os.closerange(3, 256), given.update(envconn_psycopg.kwargs(services)))
in_a_fork(closed, lambda: trusts("all descriptors closed"))
os.kill(os.getpid(), signal.SIGTERM)
"""
STEPS = ["no directory is writable", "a fork", "a fork as another user", "all descriptors closed"]


@pytest.fixture
def environ(lab: Lab, certificates: Certificates, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tmp").mkdir()
    return {
        **os.environ,
        "DATABASE_URL": lab["good"].uri(sslmode="verify-full"),
        "DATABASE_CA_CERT": certificates.ca.read_text("ascii"),
        "TMPDIR": str(tmp_path / "tmp"),
    }


def test_a_process(environ: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (STEPS, "", -signal.SIGTERM)
    assert [*(tmp_path / "tmp").iterdir()] == []


NO_ROOM = """
import os, resource, sys, tempfile
import psycopg
import envconn, envconn_psycopg

tempfile.tempdir = os.environ["TMPDIR"]  # Python would find another directory
services = envconn.load(env_file=None)
psycopg.connect(**envconn_psycopg.kwargs(services)).close()
if sys.argv[1:] == ["limited"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    services.database.uri()
except envconn.ConfigurationError as error:
    print(*(f"{found.variable} {found.code}" for found in error.problems))
"""
FULL = 'mount -t tmpfs -o size=4k none "$TMPDIR" && head -c 4096 /dev/zero >"$TMPDIR/filled"'
MOUNTS = {"full": FULL, "read-only": 'mount -t tmpfs -o ro none "$TMPDIR"'}


@pytest.mark.parametrize("disk", MOUNTS)
def test_no_room_for_the_file_of_another_program(environ: dict[str, str], disk: str) -> None:
    """The process itself connects, with a file in memory; where nothing can be mounted, no file may have a byte."""
    script = f'{MOUNTS[disk]} && mount --bind "$TMPDIR" /dev/shm && exec "$@"'
    command, prefix = [sys.executable, "-c", NO_ROOM], ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    try:
        subprocess.run([*prefix, script, "sh", "true"], env=environ, capture_output=True, check=True, timeout=60)
        command = [*prefix, script, "sh", *command]
    except (OSError, subprocess.CalledProcessError):
        command.append("limited")
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("DATABASE_CA_CERT ca-unwritable\n", "")


def test_another_ca_is_refused(environ: dict[str, str], certificates: Certificates) -> None:
    services = envconn.load({**environ, "DATABASE_CA_CERT": certificates.other_ca.read_text("ascii")}, env_file=None)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        envconn_psycopg.connect(services)


def test_a_spawned_child_makes_a_file_of_its_own(environ: dict[str, str]) -> None:
    """The number of the parent's is another descriptor there."""
    given = envconn_psycopg.kwargs(envconn.load(environ, env_file=None))
    assert "/proc/self/fd/" in spawned.ask(spawned.user, given)


SUITE = """
import os
import psycopg, pytest
import envconn, envconn_psycopg

services = envconn.load(env_file=None)  # in the process that starts the workers, and in each of them
given = envconn_psycopg.kwargs(services)

@pytest.mark.parametrize("number", range(6))
def test_query(number, worker_id):
    assert given["sslrootcert"].startswith("/proc/self/fd/")
    for connection in (psycopg.connect(**given), psycopg.connect(services.database.uri().reveal())):
        assert connection.pgconn.ssl_in_use
        connection.close()
    print(worker_id, os.getpid(), flush=True)
"""


def test_workers_of_pytest_xdist(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-n", "2", "-rP", "-p", "no:cacheprovider", "test_suite.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=60)
    workers = {tuple(line.split()) for line in done.stdout.splitlines() if line.startswith("gw")}
    assert (done.returncode, {name for name, *_ in workers}) == (0, {"gw0", "gw1"}), done.stdout
    assert [*(tmp_path / "tmp").glob("envconn*")] == []


def test_a_uri_for_another_program(environ: dict[str, str]) -> None:
    uri = envconn.load(environ, env_file=None).database.uri().reveal()
    code = "import psycopg, sys; psycopg.connect(sys.stdin.read())"
    subprocess.run([sys.executable, "-c", code], input=uri, text=True, check=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "left"), [("--login", 0), ("--live", 0), ("--export pg", 1), ("--export pg --login", 1)]
)
def test_exec(environ: dict[str, str], tmp_path: Path, arguments: str, left: int) -> None:
    """What replaces the process can read the file, and only that is left."""
    shown = 'cat "${PGSSLROOTCERT:-/dev/null}"'
    command = [sys.executable, "-m", "envconn", "exec", *arguments.split(), "--", "sh", "-c", shown]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "BEGIN CERTIFICATE" in done.stdout) == (0, bool(left)), done.stderr
    assert len([path for path in (tmp_path / "tmp").rglob("*") if path.is_file()]) == left


def test_a_relative_path_means_what_it_meant(
    lab: Lab, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(certificates.ca.parent)
    uri = lab["good"].uri(sslmode="verify-full", sslrootcert="ca.pem")
    services = envconn.load({"DATABASE_URL": uri}, env_file=None)
    crl = envconn.load(
        {"DATABASE_URL": lab["good"].uri(sslmode="require", sslcert="good.pem", sslkey="good.key")}, env_file=None
    )
    monkeypatch.chdir("/")
    for each in (services, crl):
        envconn_psycopg.connect(each).close()
    assert crl.database.parameters["sslcert"] == str(certificates.good.chain)
    assert not services.reload()

"""What the examples and the README show is what happens: every command and block is run, against real servers."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dj_database_url
import psycopg
import pytest
import sqlalchemy

import envconn
import envconn_psycopg
from commands import command_lines
from envconn.cli.terminal import address
from envconn.selection.host_variables import FAMILIES
from envconn.selection.variables import DEFAULTS, SIBLINGS
from envconn.tls.policy import VARIABLES
from fakes import Answer
from psycopg_script import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakes import Fake
    from lab import Lab
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

EMBEDDED = [0, 0, 78, 78, 76, 76]
EXISTING = [0, 0, 78, 78, 76]
PAGES = ("README.md", "docs/getting-started.md", "examples/README.md", "integrations/README.md", "docs/rotation.md")
NOWHERE = "postgresql://app:marker-password@localhost:1/app"
CONFLICT = {"DATABASE_URL": NOWHERE, "SCALINGO_POSTGRESQL_URL": "postgresql://app:marker-password@db.example.com/app"}


@dataclass(frozen=True)
class Run:
    code: int
    text: str

    @property
    def codes(self) -> list[int]:
        return [int(code) for code in re.findall(r"^exit code (\d+)", self.text, re.MULTILINE)]


@pytest.fixture(scope="module")
def scrap() -> Iterator[Path]:
    """Where the examples put temporary files; pytest's own directory is closed to a server of `nobody`."""
    directory = Path(tempfile.mkdtemp(prefix="examples-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def quickstart(pytestconfig: pytest.Config, scrap: Path) -> Callable[..., Run]:
    """Run examples/quickstart in a pipe, and see that it leaves nothing."""

    def run(**variables: str) -> Run:
        done = subprocess.run(
            ["./examples/quickstart"],
            cwd=pytestconfig.rootpath,
            env=environment(scrap, variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert_nothing_left(scrap)
        assert "Traceback" not in done.stdout
        assert "\x1b" not in done.stdout
        return Run(done.returncode, done.stdout)

    return run


@pytest.fixture(scope="module")
def embedded(quickstart: Callable[..., Run]) -> Run:
    return quickstart()


def environment(scrap: Path, variables: dict[str, str]) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(scrap),
        "TMPDIR": str(scrap),
        "QUICKSTART_PYTHON": sys.executable,
        **variables,
    }


def assert_nothing_left(scrap: Path) -> None:
    assert list(scrap.iterdir()) == []
    assert [line for line in command_lines() if str(scrap).encode() in line] == []


def test_quickstart_with_a_server_of_its_own(embedded: Run) -> None:
    assert (embedded.code, embedded.codes) == (0, EMBEDDED), embedded.text
    assert "ssl=yes version=TLSv1.3" in embedded.text
    assert set(re.findall(r"//app:?([^@]*)@", embedded.text)) == {"PASSWORD", ""}
    assert not re.search(r"(?<![\w-])[\w-]{24}(?![\w-])", embedded.text), "the password has this many characters"


@pytest.mark.parametrize(("variable", "verified"), [("DATABASE_URL", False), ("SCALINGO_POSTGRESQL_URL", True)])
def test_quickstart_against_an_existing_server(
    quickstart: Callable[..., Run], lab: Lab, certificates: Certificates, variable: str, *, verified: bool
) -> None:
    server = lab["good"]
    sslmode = {"sslmode": "verify-full", "sslrootcert": str(certificates.ca)} if verified else {"sslmode": "require"}
    done = quickstart(**{variable: server.uri(**sslmode)})
    assert (done.code, done.codes) == (0, EXISTING), done.text
    assert server.password not in done.text
    assert "PostgreSQL" not in done.text
    assert "ssl=yes version=TLSv1.3" in done.text


def test_quickstart_says_that_a_local_server_promises_nothing(quickstart: Callable[..., Run], lab: Lab) -> None:
    done = quickstart(DATABASE_URL=lab["notls"].uri())
    assert (done.code, done.codes) == (0, EXISTING), done.text
    assert "no TLS is promised" in done.text


def test_quickstart_stops_with_the_reason(quickstart: Callable[..., Run], lab: Lab, certificates: Certificates) -> None:
    server = lab["good"]
    wrong_password = server.uri().replace(server.password, "marker-password")
    for code, expected, variables in (
        (69, [0, 69], {"DATABASE_URL": NOWHERE}),
        (76, [0, 76], {"DATABASE_URL": server.uri(sslmode="verify-full", sslrootcert=str(certificates.other_ca))}),
        (77, [0, 77], {"DATABASE_URL": wrong_password}),
        (78, [78], CONFLICT),
    ):
        done = quickstart(**variables)
        assert (done.code, done.codes) == (code, expected), done.text
        assert "Stopped here" in done.text
        assert server.password not in done.text
        assert "marker-password" not in done.text


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_quickstart_on_a_terminal(checkout: Path, scrap: Path, variables: dict[str, str], *, coloured: bool) -> None:
    ours, theirs = pty.openpty()
    command, env = (
        [checkout / "examples" / "quickstart"],
        environment(scrap, {"TERM": "xterm", **CONFLICT, **variables}),
    )
    with subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        text = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    assert process.returncode == 78
    assert (b"\x1b[" in text) is coloured
    assert_nothing_left(scrap)


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way to say that the other end is closed
        return b""


@pytest.mark.parametrize(
    ("line", "number", "to_all"),
    [
        ("$ envconn check\n", signal.SIGINT, True),  # as a terminal sends it
        ("$ envconn check\n", signal.SIGHUP, True),
        ("$ envconn exec -- python app.py\n", signal.SIGTERM, True),
        ("$ envconn exec -- python app.py\n", signal.SIGTERM, False),
    ],
)
def test_quickstart_cleans_up_when_it_is_stopped(
    checkout: Path, scrap: Path, line: str, number: signal.Signals, *, to_all: bool
) -> None:
    command = [checkout / "examples" / "quickstart"]
    with subprocess.Popen(
        command, env=environment(scrap, {}), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert line in iter(process.stdout.readline, "")
        (os.killpg if to_all else os.kill)(process.pid, number)
        process.stdout.read()
    assert process.returncode == 128 + number
    assert_nothing_left(scrap)


def script(scrap: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, app.__file__],
        env=environment(scrap, {"PGCONNECT_TIMEOUT": "10", **variables}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_script_shows_both_ends(lab: Lab, scrap: Path, certificates: Certificates) -> None:
    uri = lab["good"].uri(sslmode="verify-full")
    done = script(scrap, DATABASE_URL=uri, DATABASE_CA_CERT=certificates.ca.read_text(encoding="ascii"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "connected to localhost, TLS at this end: yes",
        "pg_stat_ssl: ssl=yes version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256",
    ]
    assert_nothing_left(scrap)


@pytest.mark.parametrize(
    ("code", "state", "change", "parameters"),
    [
        (69, "good", {"port": "1"}, {}),
        (69, "good", {"localhost": "db.invalid"}, {}),
        (76, "notls", {}, {"sslmode": "require"}),
        (76, "expired", {}, {"sslmode": "verify-full"}),
        (76, "wronghost", {}, {"sslmode": "verify-full"}),
        (76, "unknownca", {}, {"sslmode": "verify-ca"}),
        (77, "good", {"password": "marker-password"}, {}),
        (77, "good", {":password": ""}, {}),
        (77, "good", {"app:": "nobody-of-that-name:"}, {}),
        (77, "good", {"/postgres": "/SSL-certificate"}, {}),
        (78, "good", {}, {"sslmode": "disable"}),
        (78, "good", {}, {"sslmode": "verify-full", "sslrootcert": "missing.pem"}),
    ],
)
def test_script_exit_codes(
    lab: Lab,
    scrap: Path,
    certificates: Certificates,
    code: int,
    state: str,
    change: dict[str, str],
    parameters: dict[str, str],
) -> None:
    server = lab[state]
    uri = server.uri(**{"sslrootcert": str(certificates.ca), "sslmode": "require", **parameters})
    real = {"port": str(server.port), "password": server.password, ":password": f":{server.password}"}
    for what, instead in change.items():
        uri = uri.replace(real.get(what, what), instead, 1)
    done = script(scrap, DATABASE_URL=uri, ENVCONN_TLS_LOCAL="enforce")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.count("\n") == 1
    assert server.password not in done.stderr
    assert_nothing_left(scrap)


@pytest.mark.parametrize(
    ("answer", "code"), [(Answer.N, 76), (Answer.ERROR, 76), (Answer.GARBAGE, 76), (Answer.CLOSE, 69)]
)
def test_the_script_requires_tls_in_any_environment(
    fake: Callable[[Answer], Fake], scrap: Path, answer: Answer, code: int
) -> None:
    uri = f"postgresql://app:marker-password@localhost:{fake(answer).port}/app?sslmode=require"
    done = script(scrap, DATABASE_URL=uri, ENVCONN_TLS_LOCAL="enforce")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('connection to server at "h", port 1 failed: FATAL:  the database system is starting up', 69),
        ('connection to server at "h", port 1 failed: FATAL:  sorry, too many clients already', 69),
        (
            'connection to server at "h", port 1 failed: FATAL:  Rolle existiert nicht',
            77,
        ),
        ('connection to server at "h", port 1 failed: FATAL:  no pg_hba.conf entry for host "h", SSL encryption', 77),
        ("failed to resolve host 'h': [Errno -2] Name or service not known", 69),
        ('connection to server at "SSL:  certificate", port 1 failed: timeout expired', 69),
    ],
)
def test_script_reads_what_no_server_here_says(message: str, code: int) -> None:
    assert app.exit_code(f"connection failed: {message}") == code


def blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = [
        body for each, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if each == language
    ]
    assert found
    return found


@pytest.mark.checkout
def test_no_block_goes_untested(checkout: Path) -> None:
    for name in (*PAGES, "docs/command.md", "docs/variables.md"):
        fences = re.findall(r"^```(.*)$", (checkout / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert set(fences[::2]) <= {"console", "python", "sh", "text"}
        assert set(fences[1::2]) <= {""}


OF_THE_TEMPLATE = "from pathlib import Path; BASE_DIR = Path.cwd(); INSTALLED_APPS = []\n"
"""What Django's template of settings has before our lines."""


@pytest.mark.checkout
@pytest.mark.parametrize("name", [name for name in PAGES if name != "examples/README.md"])
def test_python_blocks(
    checkout: Path, name: str, lab: Lab, redis_server: States[Redis], scrap: Path, certificates: Certificates
) -> None:
    server, cache = lab["good"], redis_server["good"]
    variables = {"DATABASE_URL": server.uri(sslmode="verify-full"), "DATABASE_CA_CERT": str(certificates.ca)}
    variables["REDIS_URL"] = cache.uri(ssl_ca_certs=str(certificates.ca))
    for block in blocks(checkout / name, "python"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", f"{OF_THE_TEMPLATE}{block}"],
            env=environment(scrap, variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), block
        assert not [secret for secret in (server.password, cache.password) if secret in done.stdout]


@pytest.mark.checkout
@pytest.mark.parametrize("name", ["README.md", "docs/command.md"])
def test_console_blocks(checkout: Path, scrap: Path, name: str) -> None:
    for block in blocks(checkout / name, "console"):
        commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
        # Each command is echoed before it runs, and sees the exit code of the one before it.
        steps = [f"printf '$ %s\\n' {shlex.quote(command)}; (exit $code); {command}; code=$?" for command in commands]
        done = subprocess.run(
            ["sh", "-c", "\n".join(["exec 2>&1; code=0", *steps])],
            env=environment(scrap, {}),
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.replace(address(""), "https://envconn.example/codes/#") == block
        assert "s3cret" not in re.sub(r"^\$ .*\n", "", done.stdout, flags=re.MULTILINE)


@pytest.mark.checkout
def test_the_url_of_the_first_screen(checkout: Path, lab: Lab) -> None:
    """Others connect with it unencrypted; envconn's arguments for the same URL do not."""
    shown = "postgresql://app:s3cret@db.example.com/app"
    assert f"`{shown}` is a good URL" in (checkout / "README.md").read_text(encoding="utf-8")
    server = lab["notls"]
    url = shown.replace("s3cret", server.password).replace("db.example.com/app", f"localhost:{server.port}/postgres")
    with psycopg.connect(url) as connection:
        assert not connection.pgconn.ssl_in_use
    engine = sqlalchemy.create_engine(url.replace(":", "+psycopg:", 1), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connected:
        assert connected.exec_driver_sql("select ssl from pg_stat_ssl where pid = pg_backend_pid()").scalar() is False
    assert "sslmode" not in dj_database_url.parse(url).get("OPTIONS", {})
    services = envconn.load({"DATABASE_URL": url, "ENVCONN_TLS_LOCAL": "enforce"}, env_file=None)
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        envconn_psycopg.connect(services)


@pytest.mark.checkout
def test_the_output_of_the_quickstart_is_in_its_readme(checkout: Path, embedded: Run) -> None:
    (shown,) = blocks(checkout / "examples" / "README.md", "text")
    assert normalised(shown) == normalised(embedded.text)


def normalised(text: str) -> str:
    return re.sub(r"(localhost:|port |PostgreSQL )[0-9.]+", r"\1N", text)


@pytest.mark.checkout
def test_the_page_names_every_variable_in_order(checkout: Path) -> None:
    text = (checkout / "docs" / "variables.md").read_text(encoding="utf-8")
    places = [text.find(f"`{name}`") for name in DEFAULTS]
    assert -1 not in places
    assert places == sorted(places)
    for name in (*SIBLINGS, *VARIABLES, *FAMILIES):
        assert f"`{name}`" in text, name

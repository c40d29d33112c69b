"""What examples/quickstart runs: check, connect, and be refused, each as a command that a person could type."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode

from throwaway import certificates, postgres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROGRAM = Path(__file__).parent / "psycopg_script" / "app.py"
_VARIABLES = ("SCALINGO_POSTGRESQL_URL", "DATABASE_URL")
_MEANING = {
    0: "good",
    69: "unreachable",
    76: "TLS refused or not verified",
    77: "login refused",
    78: "configuration wrong",
}
# What commands need of the environment around them. The rest could decide an outcome.
_KEPT = ("LANG", "LC_ALL", "NO_COLOR", "TERM")


class Stop(Exception):
    """There is no point in going on; the text says why."""

    def __init__(self, reason: str, code: int = 1) -> None:
        super().__init__(reason)
        self.code = code


@dataclass
class Shell:
    """Runs commands in `directory` with the variables `environ`, and shows them."""

    environ: Mapping[str, str]
    directory: Path
    surprises: list[str] = field(default_factory=list)

    def run(self, title: str, command: Sequence[str], expected: int, **variables: str) -> int:
        """Show the command with its `variables`, its output and its exit code, which is returned."""
        print(f"\n{_paint(title, '1')}\n$ {_shown(variables, command)}", flush=True)
        # Without a limit: a signal between two looks of `wait(timeout=...)` leaves the lock of CPython 3.11 behind.
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environ, **variables},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        )
        colour = "2" if done.returncode == expected else "31"
        meaning = _MEANING.get(done.returncode, "not expected")
        print(_paint(f"exit code {done.returncode}: {meaning}", colour), flush=True)
        if done.returncode != expected:
            self.surprises.append(f"{title}: exit code {done.returncode} instead of {expected}")
        return done.returncode

    def database(self) -> dict[str, Any]:
        """Return what ``envconn show`` knows of the default database; no secret is among it."""
        command = ("envconn", "show", "--json")
        shown = subprocess.run(command, cwd=self.directory, env=self.environ, capture_output=True, check=True)
        facts: dict[str, Any]
        (facts,) = (service for service in json.loads(shown.stdout)["services"] if service["name"] == "database")
        return facts


def main() -> int:
    """Run the whole of it and return the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    given = [name for name in _VARIABLES if os.environ.get(name, "").strip()]
    try:
        with ExitStack() as cleanup:
            surprises = against_yours(given, cleanup) if given else against_ours(cleanup)
    except (Stop, postgres.PostgresUnavailable) as reason:
        print(f"\n{_paint(str(reason), '31')}", flush=True)
        return getattr(reason, "code", 1)
    for surprise in surprises:
        print(_paint(f"Not as it should be: {surprise}", "31"))
    if not surprises:
        print(f"\n{_paint('Everything went as it should, and nothing is left behind.', '32')}", flush=True)
    return 1 if surprises else 0


def against_ours(cleanup: ExitStack) -> list[str]:
    """Start a server, configure it as a platform would, and show everything."""
    directory, files = _workplace(cleanup)
    server = cleanup.enter_context(postgres.running(files.good))
    platform = {
        "DATABASE_URL": server.uri(sslmode="verify-full"),
        "DATABASE_CA_CERT": files.ca.read_text(encoding="ascii"),
        "ENVCONN_TLS_LOCAL": "enforce",
    }
    print(f"PostgreSQL {server.version} runs on localhost:{server.port} as long as this does. The environment has")
    print(f"  DATABASE_URL       {server.uri(sslmode='verify-full').replace(server.password, 'PASSWORD')}")
    print("  DATABASE_CA_CERT   the certificate of the CA behind it, as PEM text")
    print("  ENVCONN_TLS_LOCAL  enforce, so that loopback counts like any other host")
    print("and app.py is examples/psycopg_script/app.py.")
    shell = Shell(_clean(directory) | platform, directory)
    _connect(shell, "app.py")
    _refused_by_configuration(shell, shell.database(), {})
    connect = ("envconn", "exec", "--", "python", "app.py")
    shell.run("Refused: a server that another CA vouches for", connect, 76, DATABASE_CA_CERT="other_ca.pem")
    server.use(files.expired)
    shell.run("Refused: the same server with a certificate that expired last week", connect, 76)
    return shell.surprises


def against_yours(given: Sequence[str], cleanup: ExitStack) -> list[str]:
    """Use the server that the environment names. Nothing is started, and nothing written to it."""
    directory, _ = _workplace(cleanup)
    print(f"The environment has {' and '.join(given)}: that server is used, and nothing is written to it.")
    limit = {"PGCONNECT_TIMEOUT": os.environ.get("PGCONNECT_TIMEOUT") or "10"}
    yours = Shell({**os.environ, **limit, **_tools(directory)}, Path.cwd())
    _connect(yours, os.path.relpath(_PROGRAM))
    facts = yours.database()
    if facts["tls"]["level"] in {"none", "opportunistic"}:
        print("This hop is local, or waived: no TLS is promised.", flush=True)
    # No password: the connection is refused before the server asks for one.
    clean = Shell(_clean(directory) | limit, directory)
    local = {"ENVCONN_TLS_LOCAL": "enforce"} if facts["tls"]["local"] else {}
    _refused_by_configuration(clean, facts, local)
    if not facts["hosts"][0]["host"].startswith("/"):
        url, connect = _url(facts, sslmode="verify-full"), ("envconn", "exec", "--", "python", "app.py")
        title = "Refused: your server, held against a CA that does not vouch for it"
        clean.run(title, connect, 76, DATABASE_URL=url, DATABASE_CA_CERT="other_ca.pem")
    return clean.surprises


def _connect(shell: Shell, program: str) -> None:
    for title, command in (
        ("The configuration is checked, without a connection", ("envconn", "check")),
        ("A program connects, and the server says what it sees", ("envconn", "exec", "--", "python", program)),
    ):
        code = shell.run(title, command, 0)
        if code != 0:
            raise Stop(f"Stopped here: {_MEANING.get(code, 'see above')}.", code if code in _MEANING else 1)


def _refused_by_configuration(shell: Shell, facts: Mapping[str, Any], local: Mapping[str, str]) -> None:
    check = ("envconn", "check")
    plain = {"DATABASE_URL": _url(facts, sslmode="disable")}
    shell.run("Refused: a URL that turns TLS off", check, 78, **local, **plain)
    both = {"SCALINGO_POSTGRESQL_URL": "postgresql://app@db.example.com/app"}
    if "DATABASE_URL" not in shell.environ:
        both["DATABASE_URL"] = _url(facts)
    shell.run("Refused: two variables that contradict each other", check, 78, **both)


def _url(facts: Mapping[str, Any], **parameters: str) -> str:
    """Return the address of the database, without a password."""
    hosts = ",".join(f"{_host(host['host'])}:{host['port']}" for host in facts["hosts"])
    if any(host["hostaddr"] for host in facts["hosts"]):
        parameters["hostaddr"] = ",".join(host["hostaddr"] or "" for host in facts["hosts"])
    query = "?" + urlencode(parameters, quote_via=quote) if parameters else ""
    return f"postgresql://{quote(facts['user'], safe='')}@{hosts}/{quote(facts['dbname'], safe='')}{query}"


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else quote(host, safe="")


def _workplace(cleanup: ExitStack) -> tuple[Path, certificates.Certificates]:
    directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="envconn-quickstart-")))
    shutil.copy(_PROGRAM, directory)
    return directory, certificates.write(directory)


def _clean(directory: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"HOME": str(directory), **kept, **_tools(directory)}


def _tools(directory: Path) -> dict[str, str]:
    """Put this environment's commands first, and temporary files where they go away with ours."""
    commands = Path(sys.executable).parent
    return {"PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}", "TMPDIR": str(directory)}


def _shown(variables: Mapping[str, str], command: Sequence[str]) -> str:
    parts = [*(f"{name}={shlex.quote(value)}" for name, value in variables.items()), shlex.join(command)]
    line = " ".join(parts)
    return line if len(line) <= 110 else " \\\n    ".join(parts)


def _paint(text: str, code: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def _leave(number: int, _frame: object) -> NoReturn:
    # A second signal must not interrupt the cleaning up. (SIG_IGN would make Python complain about one on its way.)
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(each, lambda *_: None)
    raise SystemExit(128 + number)


def _run() -> int:
    try:
        return main()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has closed the pipe. Python would print an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(_run())

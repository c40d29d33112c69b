"""Every cell of `celery_settings`, through the example's program; a server without TLS beside it hears no password."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import celery
import pytest

from celery_settings import TABLE
from framework_settings import JUDGED, MERGED, MOMENTS, NONE, NOT_READ, OPEN, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from framework_settings import Row

HELLO, SSL_REQUEST = b"\x16\x03\x01", b"\x00\x00\x00\x08\x04\xd2\x16/"
REDIS = "redis://:marker-password@localhost:{other}/0"
SQL = "postgresql://u:marker-password@localhost:{other}/d"
BROKER = "app.connection_for_write().ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)"
READ = "app.connection_for_read().ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)"
PING = "app.backend.client.ping()"
TASK = "SessionManager().get_engine(app.backend.url, **app.backend.engine_options).connect()"
ENGINE = "(app.backend.engine_options['pool_size'], app.backend.engine_options['connect_args']['sslmode'])"


class Trial(NamedTuple):
    """One row: the settings in the program, the variables, and what shows the outcome."""

    settings: Mapping[str, object] = MappingProxyType({})
    environ: Mapping[str, str] = MappingProxyType({})
    expression: str = BROKER
    scheme: str = "rediss"
    results: str = "rediss"
    merged: str = ""
    lines: str = ""


def row(start: str) -> str:
    """Return the first cell of the row that begins so."""
    [found] = [row.what for row in TABLE.rows if row.what.replace("`", "").startswith(start)]
    return found


OWN = "{scheme}://:marker-password@localhost:{own}/0"
TRIALS = {
    row("broker_url; "): [Trial({"broker_url": REDIS}, {"CELERY_BROKER_URL": REDIS})],
    row("broker_read_url"): [
        Trial({"broker_read_url": REDIS}, {"CELERY_BROKER_READ_URL": REDIS}, READ),
        Trial({"broker_write_url": REDIS}, {"CELERY_BROKER_WRITE_URL": REDIS}),
    ],
    row("BROKER_URL"): [Trial({}, {"BROKER_URL": REDIS})],
    row("CELERY_BROKER"): [Trial({}, {"CELERY_BROKER": REDIS})],
    row("several URLs"): [Trial({"broker_url": f"{OWN};{REDIS}"}, {"CELERY_BROKER_URL": f"{OWN};{REDIS}"})],
    row("broker_use_ssl"): [
        Trial({"broker_use_ssl": False}),
        Trial({"broker_use_ssl": {"ssl_cert_reqs": "none"}}),
        Trial({"broker_use_ssl": False}, scheme="amqps"),
    ],
    row("ssl_cert_reqs=none"): [
        Trial({"broker_url": f"{OWN}?ssl_cert_reqs=none"}, {"CELERY_BROKER_URL": f"{OWN}?ssl_cert_reqs=none"})
    ],
    row("broker_transport_options: visibility"): [
        Trial(
            {"broker_transport_options": {"visibility_timeout": 9}},
            expression="app.connection().transport_options['visibility_timeout']",
            merged="9",
        )
    ],
    row("broker_transport_options: ssl"): [
        Trial({"broker_transport_options": options}, scheme="amqps")
        for options in ({"ssl": False}, {"host": "localhost:{other}"}, {"login_method": "PLAIN"}, {"userid": "x"})
    ],
    row("broker_transport: "): [
        Trial({"broker_transport": "kombu.transport.redis:Transport"}),
        Trial({"broker_transport": "kombu.transport.pyamqp.Transport"}, scheme="amqps"),
    ],
    row("broker_url of sqs"): [Trial({"broker_url": "sqs://"}, {"CELERY_BROKER_URL": "sqs://"})],
    row("result_backend; "): [Trial({"result_backend": REDIS}, {"CELERY_RESULT_BACKEND": REDIS}, PING)],
    row("RESULT_BACKEND"): [Trial({}, {"RESULT_BACKEND": REDIS}, PING)],
    row("result_backend of redis"): [
        Trial({"result_backend": name, "redis_port": "{other}"}, {"CELERY_RESULT_BACKEND": name}, PING)
        for name in ("redis", "celery.backends.redis:RedisBackend", "celery.backends.redis.RedisBackend")
    ],
    row("result_backend of db+"): [
        Trial(
            {"result_backend": f"db+{SQL}"},
            {"CELERY_RESULT_BACKEND": f"db+{SQL}"},
            f"({PING} if 'client' in dir(app.backend) else {TASK})",
        )
    ],
    row("result_backend of mongodb"): [
        Trial(
            {"result_backend": f"{name}://localhost:{{other}}"}, {"CELERY_RESULT_BACKEND": f"{name}://localhost"}, PING
        )
        for name in ("mongodb", "elasticsearch", "couchdb")
    ],
    row("result_backend of rpc"): [
        Trial(
            {"result_backend": text},
            {"CELERY_RESULT_BACKEND": text},
            f"{PING} if hasattr(app.backend, 'connparams') else app.backend.as_uri()",
            merged=shown,
        )
        for text, shown in (("rpc://", "rpc://"), ("disabled", "disabled://"), ("cache+memory://", "memory:///"))
    ],
    row("redis_backend_use_ssl"): [
        Trial({"redis_backend_use_ssl": wrong}, expression=PING) for wrong in (None, {"ssl_cert_reqs": "none"})
    ],
    row("database_engine_options: pool_size"): [
        Trial(
            {"database_engine_options": {"pool_size": 3}},
            expression=ENGINE,
            results="postgresql",
            merged="(3, 'require')",
        )
    ],
    row("database_engine_options: creator"): [
        Trial({"database_engine_options": options}, expression=TASK, results="postgresql")
        for options in ({"connect_args": {"sslmode": "disable"}}, {"connect_args": {"host": "x"}}, {"creator": None})
    ],
    row("a class of another"): [Trial({}, {"CELERY_RESULT_BACKEND": "other_package.Backend"}, PING)],
    row("config_from_object()"): [Trial(lines=f"Settings.broker_url = {REDIS!r}\napp.config_from_object(Settings)")],
    row("CELERY_CONFIG_MODULE"): [Trial({}, {"CELERY_CONFIG_MODULE": "celery_module"}, READ)],
}


class Server:
    """A server without TLS that hangs up on the first words of each client, and keeps them."""

    def __init__(self, listener: socket.socket) -> None:
        self.port = listener.getsockname()[1]
        self.received: list[bytes] = []
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.settimeout(1)
                    self.received.append(client.recv(4096))


@contextmanager
def serving() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Server(listener)
        listener.shutdown(socket.SHUT_RDWR)


class Programs:
    """A process that runs programs, and what two servers without TLS receive from it."""

    def __init__(self, process: subprocess.Popen[str], own: Server, other: Server) -> None:
        self._process, self.own, self.other = process, own, other

    def run(
        self, trial: Trial, before: str = "", after: str = "", options: str = "", **environ: str
    ) -> tuple[str, bytes, bytes]:
        """Return what the program of `trial` prints, and what each of the servers receives."""
        sizes = [len(server.received) for server in (self.own, self.other)]
        results = f"{trial.results}://u:marker-password@localhost:{self.own.port}/1"
        broker = f"{trial.scheme}://u:marker-password@localhost:{self.own.port}/0"
        variables = {"AMQP_URL": broker, "RESULTS_URL": results, "ENVCONN_TLS_LOCAL": "enforce", **environ}
        given = {*environ, *options.split()}
        if {"CELERY_BROKER_URL", "CELERY_BROKER", "BROKER_URL", "-b"} & given:
            del variables["AMQP_URL"]
        if {"CELERY_RESULT_BACKEND", "RESULT_BACKEND", "--result-backend"} & given:
            del variables["RESULTS_URL"]
        program = {"environ": variables, "before": before, "after": after, "options": options.split()}
        program["expression"] = trial.expression
        assert self._process.stdin
        assert self._process.stdout
        text = json.dumps(program).replace("{own}", str(self.own.port)).replace("{other}", str(self.other.port))
        self._process.stdin.write(text.replace("{scheme}", trial.scheme) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, str)
        return answer, b"".join(self.own.received[sizes[0] :]), b"".join(self.other.received[sizes[1] :])


MODULES = {
    "celery_module.py": f"broker_read_url = {REDIS!r}\n",
    "other_app.py": f"""
from celery import Celery
app = Celery("other", broker={REDIS.replace("marker-password", "other-package")!r})
""",
    "other_package.py": """
from celery.backends.redis import RedisBackend
from kombu.transport.redis import Channel, Transport as Stock
import socket

def told(*_, **__):
    with socket.create_connection(("localhost", {other})) as server:
        server.sendall(b"other-package")
        server.recv(1)

class Transport(Stock):
    establish_connection = told

class Backend(RedisBackend):
    def __init__(self, *args, **kwargs):
        told()
""",
    "installed/other-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: other\nVersion: 1\n",
    "installed/other-1.dist-info/entry_points.txt": "[celery.result_backends]\nrediss = other_package:Backend\n",
}
"""Files where the programs start: settings, and what other packages would bring."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    home = tmp_path_factory.mktemp("programs")
    command = [sys.executable, str(Path(__file__).with_name("celery_zygote.py"))]
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.pathsep.join([str(home), *sys.path])}
    with (
        serving() as own,
        serving() as other,
        subprocess.Popen(
            command, cwd=home, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        for name, text in MODULES.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text.format(other=other.port), encoding="utf-8")
        yield Programs(process, own, other)
        assert process.stdin
        process.stdin.close()


def namespaced(settings: Mapping[str, object]) -> str:
    lines = [f"Settings.CELERY_{name.upper()} = {value!r}" for name, value in settings.items()]
    return "\n".join([*lines, "app.config_from_object(Settings, namespace='CELERY')"])


def ways(moment: str, trial: Trial) -> list[dict[str, str]]:
    """Return the programs that set what `trial` says at that `moment`."""
    if moment == "environment":
        return [dict(trial.environ)]
    if moment == "command_line":
        return [{"options": " ".join(f"{_OPTIONS[name]} {text}" for name, text in trial.environ.items())}]
    if trial.lines:
        return [{"before": "app.conf.timezone", moment: trial.lines}]
    return [{moment: f"app.conf.update({dict(trial.settings)!r})"}, {moment: namespaced(trial.settings)}]


_OPTIONS = {
    "CELERY_BROKER_URL": "-b",
    "CELERY_RESULT_BACKEND": "--result-backend",
    "CELERY_CONFIG_MODULE": "--config",
}
"""The options of the command, by the variable that it copies them to."""

IS_OLDEST = celery.VERSION[:2] < (5, 5)


def word(each: Row, moment: str) -> str:
    """Return a cell: to Celery 5.4, a class on the command line comes after the program has been loaded."""
    is_after = IS_OLDEST and (each.what, moment) == (row("a class of another"), "command_line")
    found: str = getattr(each, "after" if is_after else moment)
    return found


CELLS = [
    (each.what, moment, word(each, moment))
    for each in TABLE.rows
    for moment in MOMENTS
    if word(each, moment) not in {NOT_READ, OPEN}
]


@pytest.mark.parametrize(("what", "moment", "cell"), CELLS)
def test_cell(programs: Programs, what: str, moment: str, cell: str) -> None:
    for trial in TRIALS[what]:
        for way in ways(moment, trial):
            answer, own, other = programs.run(trial, **way)
            right = expected(what, cell, way)
            assert outcome(trial, answer, own + other) in right, answer
            assert b"marker-password" not in own + other
            assert other == b"" or cell == JUDGED
            assert "marker" not in answer


def expected(what: str, cell: str, way: Mapping[str, str]) -> set[str]:
    """Return what may come of a cell; Celery 5.7 prefers what update() has set to an object, whatever comes later."""
    if "options" in way and not IS_NEW:  # the program is loaded before the command sets them
        return {cell, NONE, REFUSED}
    if "namespace" in way.get("after", "") and IS_NEW:
        return {cell, NONE}
    if "namespace" in way.get("before", "") and not IS_NEW:
        return {next(row.after for row in TABLE.rows if row.what == what)}
    return {cell, *_ALSO.get(cell, ())}


IS_NEW = celery.VERSION[:2] >= (5, 7)
_ALSO = {JUDGED: (REFUSED, NONE)}
"""What is judged is refused, or used with TLS."""


def outcome(trial: Trial, answer: str, sent: bytes) -> str:
    """Return the word of the table for what a program prints, and what it has `sent` to the servers."""
    if answer.startswith(("refused: ", "ModuleNotFoundError: No module named 'boto")):  # kombu 5.4 needs it to refuse
        return REFUSED
    if trial.merged and answer == trial.merged:
        return MERGED
    assert sent.startswith((HELLO, SSL_REQUEST)), answer
    return NONE


OPENED = {
    ("a class of another", "before"): {"before": "app.conf.broker_transport = 'other_package:Transport'"},
    ("a class of another", "after"): {
        "after": f"app.conf.result_backend = {'other_package.Backend+' + REDIS!r}",
        "expression": PING,
    },
    ("an installed package", "before"): {"before": "sys.path.append('installed')", "expression": PING},
    ("another application", "environment"): {"CELERY_APP": "other_app", "options": "--quiet"},
    ("another application", "command_line"): {"options": "--app other_app"},
    **(
        {
            ("a class of another", "command_line"): {
                "options": "--result-backend other_package.Backend",
                "expression": PING,
            }
        }
        if IS_OLDEST
        else {}
    ),
}
"""What a program does at a moment, for the row that begins so."""

ELSEWHERE = ("redbeat_redis_url", "Flower's page")
"""celery-redbeat is not installed for the tests; Flower is tried in tests/integrations/test_celery_worker.py."""


@pytest.mark.parametrize(("start", "moment"), OPENED)
def test_open(programs: Programs, start: str, moment: str) -> None:
    """The class or the application of another package is used, and sends what it likes."""
    assert word(next(each for each in TABLE.rows if each.what == row(start)), moment) == OPEN
    given = dict(OPENED[start, moment])
    _, own, other = programs.run(Trial(expression=given.pop("expression", BROKER)), **given)
    assert b"other-package" in own + other


def test_every_cell_is_tried() -> None:
    open_cells = {(each.what, moment) for each in TABLE.rows for moment in MOMENTS if word(each, moment) == OPEN}
    left = {what for what, _ in open_cells - {(row(start), moment) for start, moment in OPENED}}
    assert {what for what, _, _ in CELLS} == TRIALS.keys()
    assert left <= {row("a class of another"), *map(row, ELSEWHERE)}

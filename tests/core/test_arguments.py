"""Arguments of public functions: a wrong type or value is a clear error that names the argument and shows no value."""

from __future__ import annotations

import copy
import math
import traceback
from functools import partial
from operator import ge, gt, le, lt
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from envconn.export import environment, render
from envconn_celery import config as celery_config
from envconn_django import databases
from envconn_flask import EnvConn
from envconn_flask import config as flask_config
from envconn_psycopg import kwargs as psycopg
from envconn_sqlalchemy import url
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

URL = f"postgresql://app:{MARKER}@db.example.com/app"
GOOD = {"DATABASE_URL": URL}
SERVICES = envconn.load(GOOD, env_file=None)
BROKER = envconn.load({"BROKER_URL": f"amqps://app:{MARKER}@mq.example.com"}, env_file=None)
FILE = envconn.load({"DATABASE_URL": "sqlite:///app.sqlite3"}, env_file=None)


def load(environ: Any = GOOD, **arguments: Any) -> object:
    return envconn.load(environ, **{"env_file": None, **arguments})


def empty(kind: type) -> Any:
    """Return an object of `kind` whose constructor was not called."""
    return object.__new__(kind)


REFUSED: list[tuple[Callable[[Any], object], str, type[Exception], list[Any]]] = [
    (load, "environ", TypeError, [1, True, b"x", [], "", "DATABASE_URL=x", [("DATABASE_URL", URL)]]),
    (load, "environ must have names", TypeError, [{1: "x"}, {b"DATABASE_URL": URL}, {None: "x"}]),
    (
        lambda value: load({"DATABASE_URL": value}),
        "environ must hold texts, and DATABASE_URL",
        TypeError,
        [None, 1, True, 0.5, MARKER.encode(), [MARKER], Path("x")],
    ),
    (
        lambda value: load(env_file=value),
        "env_file",
        TypeError,
        [1, True, False, b".env", [1], [None], {}, {".env"}, object()],
    ),
    (lambda value: load(env_file=value), "env_file must not be empty", ValueError, ["", [""], [".env", ""]]),
    (
        lambda value: load(policy=value),
        "policy",
        TypeError,
        ["verify-full", 1, True, {}, b"x", envconn.Policy, empty(envconn.Policy)],
    ),
    (
        lambda value: load(passwords=value),
        "passwords",
        TypeError,
        [
            *("database", 1, True, [], ["database"], [("database", str)]),
            *({"database": MARKER}, {"database": None}, {"database": b"x"}, {1: str}, {None: str}),
        ],
    ),
    (envconn.parse, "text", TypeError, [None, 1, True, [], MARKER.encode(), Path("x"), SERVICES]),
    (lambda value: envconn.parse(URL, value), "variable", TypeError, [1, True, b"x", [], Path("x")]),
    (
        envconn.secure,
        "expected a connection string or the Connection",
        TypeError,
        [None, 1, True, [], MARKER.encode(), SERVICES, SERVICES.database, empty(envconn.Connection)],
    ),
    (lambda value: envconn.secure(URL, value), "policy", TypeError, ["require", 1, True, {}, empty(envconn.Policy)]),
    (
        envconn.prove,
        "expected Services or a SecuredConnection",
        TypeError,
        [None, 1, "x", b"x", [], {}, envconn.parse(URL), empty(envconn.Connection)],
    ),
    (lambda value: envconn.prove(FILE, wait=value), "wait", ValueError, [-1, -0.1, math.nan, math.inf, -math.inf]),
    (lambda value: envconn.prove(FILE, wait=value), "wait", TypeError, ["1", None, True, False, b"1", [], 1j]),
    (lambda value: envconn.prove(FILE, timeout=value), "timeout", ValueError, [-1, 0, 0.0, math.nan, math.inf]),
    (lambda value: envconn.prove(FILE, timeout=value), "timeout", TypeError, ["1", None, True, False, b"1", [], 1j]),
    (lambda value: envconn.prove(FILE, login=value), "login", TypeError, ["no", None, 0, 1, b"x", []]),
    (lambda value: envconn.prove(FILE, enforcement=value), "enforcement", ValueError, ["no", "", None, 1, b"skip", []]),
    (lambda value: envconn.Policy(tls=value), "tls", TypeError, [1, True, b"require", [], ["require"]]),
    (lambda value: envconn.Policy(local=value), "local", TypeError, [1, True, b"allow", []]),
    (
        lambda value: envconn.Policy(waive=value),
        "waive",
        TypeError,
        ["db", b"db", 1, True, {"db": 1}, [1], [None], [b"db"], ["db", True]],
    ),
    (lambda value: envconn.Policy(ca=value), "ca", TypeError, [1, True, b"/ca.pem", [], ["/ca.pem"]]),
    (lambda value: SERVICES.connection(pooled=value), "pooled", TypeError, ["no", "", 0, 1, b"x", [], 0.5]),
    (lambda value: SERVICES.connection(replica=value), "replica", TypeError, ["no", "", 0, 1, b"x", []]),
    (lambda value: SERVICES.connection(branch=value), "branch", TypeError, [0, 1, True, b"main", []]),
    (lambda value: SERVICES.database.endpoint(pooled=value), "pooled", TypeError, ["no", "", 0, 1, b"x"]),
    (lambda value: SERVICES.database.endpoint(replica=value), "replica", TypeError, ["no", "", 0, 1]),
    (lambda value: SERVICES.database.endpoint(branch=value), "branch", TypeError, [0, 1, True, b"main"]),
    (lambda value: render(SERVICES.database, value), "name", ValueError, ["", "nope", None, 1, b"uri", [], MARKER]),
    (lambda value: render(SERVICES.database, "uri", ca=value), "ca", TypeError, ["", 1, True, b"/ca", [], Path("/ca")]),
    (lambda value: render(SERVICES.database, "uri", libpq=value), "libpq", TypeError, ["16", True, False, 16.0, b"16"]),
    (lambda value: render(SERVICES.database, "uri", mask=value), "mask", TypeError, [None, 0, 1, "", "no", [], b""]),
    (lambda value: environment(SERVICES.database, libpq=value), "libpq", TypeError, ["16", True, 16.0]),
    (lambda value: psycopg(SERVICES, driver=value), "driver", ValueError, ["", "nope", None, 1, b"psycopg", []]),
    (lambda value: url(SERVICES, driver=value), "driver", ValueError, ["", "nope", 1, True, b"psycopg", [], MARKER]),
    (lambda value: flask_config(SERVICES, driver=value), "driver", ValueError, ["", "nope", 1, b"psycopg", []]),
    (lambda value: EnvConn(services=value), "services", TypeError, [None, 1, "", "x", [], envconn.parse(URL)]),
    (lambda value: EnvConn(engine_options=value), "engine_options", TypeError, ["", "x", 1, True, [], b"x"]),
    (lambda value: databases(SERVICES, pool=value), "pool", TypeError, [None, "", "yes", 1, 0, [], b"x"]),
    (lambda value: databases(SERVICES, rotate=value), "rotate", TypeError, [None, "", "no", 1, 0, [], b"x"]),
    (lambda value: celery_config(BROKER, results=value), "results", TypeError, [1, True, b"cache", [], ["cache"]]),
]

COMPARED: list[Callable[[Any], object]] = [partial(each, envconn.TlsLevel.ENCRYPTED) for each in (lt, le, gt, ge)]
REFUSED += [
    (call, "a TlsLevel is one of none, ", ValueError, [None, 1, True, "require", "", MARKER, b"none"])
    for call in (envconn.TlsLevel, *COMPARED)
]


@pytest.mark.parametrize(
    ("call", "message", "kind", "value"), [(*row[:3], value) for row in REFUSED for value in row[3]]
)
def test_refused(call: Callable[[Any], object], message: str, kind: type[Exception], value: Any) -> None:
    with pytest.raises(kind, match=f"^{message}") as caught:
        call(value)
    assert type(caught.value) is kind
    # Locals of frames may be shown by a debugger; the text of an exception is everywhere.
    assert MARKER not in "".join(traceback.format_exception_only(caught.value))
    assert MARKER not in str(caught.value.__context__)


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [({"tls": ""}, "Policy.tls"), ({"tls": " "}, "Policy.tls"), ({"tls": "encrypted"}, "Policy.tls"),
     ({"tls": envconn.TlsLevel.ENCRYPTED}, "Policy.tls"), ({"local": ""}, "Policy.local"),
     ({"local": "Allow"}, "Policy.local"), ({"waive": [""]}, "Policy.waive"), ({"waive": ["*"]}, "Policy.waive")],
)  # fmt: skip
def test_words_of_a_policy(arguments: dict[str, Any], variable: str) -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.Policy(**arguments)
    assert [problem.variable for problem in caught.value.problems] == [variable]


ACCEPTED: list[tuple[Callable[[Any], object], list[Any]]] = [
    (load, [dict(GOOD), MappingProxyType(GOOD), {**GOOD, "OTHER": None}]),
    (lambda value: load(env_file=value), [None, [], (), Path(".env"), [".env"]]),
    (lambda value: load(passwords=value), [None, {}, {"database": lambda _: "x"}]),
    (lambda value: envconn.prove(FILE, wait=value), [0, 0.0, 1, 0.5]),
    (lambda value: envconn.prove(FILE, timeout=value), [1, 0.5, 1e-9]),
    (
        lambda value: envconn.Policy(**value),
        [{}, {"tls": envconn.TlsLevel.VERIFY_FULL}, {"waive": ()}, {"waive": iter(["db"])}, {"ca": Path("/ca.pem")}],
    ),
    (lambda value: SERVICES.connection(**value), [{}, {"pooled": None}, {"replica": False}]),
]


@pytest.mark.parametrize(("call", "value"), [(call, value) for call, values in ACCEPTED for value in values])
def test_accepted(call: Callable[[Any], object], value: Any) -> None:
    assert call(value) is not None


IMMUTABLE = [
    SERVICES, SERVICES.database, SERVICES.database.tls, SERVICES.database.features, SERVICES.database.password,
    SERVICES.database.parameters, SERVICES.database.hosts[0], SERVICES.database.origin, SERVICES.report(),
    envconn.parse(URL), envconn.Policy(tls="verify-full", waive=["db"]), empty(envconn.Policy),
]  # fmt: skip


@pytest.mark.parametrize("value", IMMUTABLE, ids=lambda value: type(value).__name__)
def test_copies_of_what_never_changes(value: object) -> None:
    assert copy.copy(value) is value
    assert copy.deepcopy(value) is value


@pytest.mark.parametrize(
    "made",
    [lambda: envconn.parse(URL), lambda: envconn.parse(f"{URL}?sslmode=verify-full"), lambda: FILE.database.origin],
)
def test_equal_values_have_one_hash(made: Callable[[], object]) -> None:
    assert made() == made()
    assert len({made(), made()}) == 1


def test_reports_can_be_members_of_a_set() -> None:
    assert len({SERVICES.report(), SERVICES.report(), FILE.report()}) == 2


def test_what_a_report_holds_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SERVICES.report().services["other"] = SERVICES.database  # type: ignore[index]

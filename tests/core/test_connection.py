"""The frozen values, and the exceptions they end up in: what they show, compare and refuse."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

import envconn
from envconn import ConfigurationError, EndpointUnavailable, EnvconnError, PasswordUnavailable, ServiceMissing
from envconn.connection import Connection, Host, Origin, Parameters, Secret
from envconn.errors import note, problem
from leaks import MARKER


@pytest.mark.parametrize(
    ("render", "why"),
    [
        (repr, "a debugger, a log with %r, a traceback with locals"),
        (str, "a log with %s"),
        (lambda secret: f"{secret}", "an f-string"),
        (lambda secret: f"{[secret]} { ({'password': secret}) }", "a container of it"),
        (lambda secret: json.dumps({"password": secret}, default=str), "a careless serializer"),
    ],
    ids=["repr", "str", "f-string", "containers", "json-default-str"],
)
def test_secret_is_not_rendered(render: object, why: str) -> None:
    assert callable(render)
    assert MARKER not in render(Secret(MARKER)), why


def test_secret_compares_like_text_and_only_with_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a")
    assert not Secret("")
    assert Secret(MARKER).reveal() == MARKER


def test_secret_is_copied_as_itself_and_never_pickled() -> None:
    secret = Secret(MARKER)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="never pickled") as caught:
            pickle.dumps(secret, protocol)
        assert MARKER not in str(caught.value)


def test_parameters_are_a_mapping_that_shows_names_only() -> None:
    parameters = Parameters({"sslpassword": MARKER, "sslmode": "require"})
    assert dict(parameters) == {"sslpassword": MARKER, "sslmode": "require"}
    assert (len(parameters), "sslmode" in parameters) == (2, True)
    assert repr(parameters) == "<Parameters: sslpassword, sslmode>"
    assert (repr(Parameters()), dict(Parameters())) == ("<Parameters: none>", {})


def test_parameters_are_copied_as_themselves_and_never_pickled() -> None:
    parameters = Parameters({"sslpassword": MARKER})
    assert copy.copy(parameters) is parameters
    assert copy.deepcopy([parameters])[0] is parameters
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(parameters)


def test_parameters_keep_what_they_were_made_of() -> None:
    values = {"sslmode": "require"}
    parameters = Parameters(values)
    values["sslmode"] = "disable"
    assert parameters["sslmode"] == "require"


@pytest.mark.parametrize(
    ("host", "text", "is_socket"),
    [
        (Host("db.example", 5432), "db.example:5432", False),
        (Host("10.0.0.1", 6543), "10.0.0.1:6543", False),
        (Host("::1", 5433), "[::1]:5433", False),
        (Host("fe80::1%eth0", 5432), "[fe80::1%eth0]:5432", False),
        (Host("/run/postgresql", 5432), "/run/postgresql:5432", True),
        (Host("/cloudsql/proj:region:inst", 5432), "/cloudsql/proj:region:inst:5432", True),
        (Host("@abstract", 5432), "@abstract:5432", True),
        (Host("", 0), "", True),
        (Host("", 5432), ":5432", False),
        (Host("", 0, "192.0.2.1"), "", False),
    ],
    ids=lambda value: str(value) if isinstance(value, Host) else None,
)
def test_host(host: Host, text: str, is_socket: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (str(host), host.is_socket) == (text, is_socket)


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin("DATABASE_URL", "environment"), "DATABASE_URL"),
        (Origin("DATABASE_URL", "file", "/run/secrets/url"), "DATABASE_URL (/run/secrets/url)"),
        (Origin("DATABASE_URL", "dotenv", ".env", 3), "DATABASE_URL (.env:3)"),
        (Origin("DATABASE_URL", "environment", via=("A", "B")), "DATABASE_URL -> A -> B"),
        (Origin("DATABASE_URL", "dotenv", ".env", 7, ("A",)), "DATABASE_URL -> A (.env:7)"),
    ],
    ids=["environment", "file", "line", "alias", "alias-and-line"],
)
def test_origin_says_where_a_text_stood(origin: Origin, text: str) -> None:
    assert str(origin) == text


@pytest.mark.parametrize(
    ("scheme", "driver"), [("postgresql+asyncpg", "asyncpg"), ("postgresql+", None), ("postgres", None), ("", None)]
)
def test_driver_behind_the_scheme(scheme: str, driver: str | None) -> None:
    connection = Connection("postgresql", scheme, (Host("h", 5432),), "u", "d", Secret(MARKER))
    assert connection.driver == driver
    assert MARKER not in repr(connection)


def test_errors_are_not_value_errors() -> None:
    # pydantic turns ValueError and AssertionError into an error that quotes the input.
    for kind in (EnvconnError, ConfigurationError, EndpointUnavailable, ServiceMissing):
        assert issubclass(kind, EnvconnError)
        assert not issubclass(kind, ValueError | AssertionError | TypeError)


def test_configuration_error_has_a_line_for_each_problem() -> None:
    problems = [problem("sslmode-unknown", "A_URL", "is wrong"), problem("variable-conflict", "B_URL", "is wrong, too")]
    error = ConfigurationError(iter(problems))
    assert error.problems == tuple(problems)
    assert str(error) == "A_URL: is wrong\nB_URL: is wrong, too"
    assert str(note("variable-duplicate", "C_URL", "is the same")) == "C_URL: is the same"


def test_configuration_error_can_be_pickled() -> None:
    error = ConfigurationError([problem("variable-conflict", "A_URL", "is wrong")])
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (arrived.problems, str(arrived)) == (error.problems, str(error))


@pytest.mark.parametrize("kind", [ConfigurationError, EndpointUnavailable, PasswordUnavailable, ServiceMissing])
def test_every_error_has_problems_and_an_exit_code(kind: type[EnvconnError]) -> None:
    error = kind([problem("some-code", "A_URL", "is wrong"), problem("other-code", "B_URL", "is worse", 77)])
    assert ([found.code for found in error.problems], error.exit_code) == (["some-code", "other-code"], 78)
    assert str(error) == "A_URL: is wrong\nB_URL: is worse"
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(copied), copied.problems, str(copied)) == (kind, error.problems, str(error))
    assert kind([problem("some-code", "A_URL", "is refused", 77)]).exit_code == 77


def test_findings_are_values() -> None:
    found = problem("some-code", "A_URL", "is wrong")
    assert (found.severity, found.service, found.exit_code) == ("error", None, 78)
    assert found != note("some-code", "A_URL", "is wrong")
    assert (note("a", "b", "c").severity, note("a", "b", "c").exit_code) == ("note", 0)
    about = found.of("cache")
    assert (about.service, about.of("database"), about == found) == ("cache", about, False)
    assert len({found, about, problem("some-code", "A_URL", "is wrong")}) == 2
    assert repr(about) == "Finding('some-code', 'A_URL', 'is wrong', 'error', 'cache', 78)"
    with pytest.raises(AttributeError, match="immutable"):
        found.code = "another"
    with pytest.raises(AttributeError, match="immutable"):
        del found.code


def test_the_first_host_of_an_unjudged_connection() -> None:
    found = envconn.parse("postgresql://app@a.example.com:6000,b.example.com/app")
    assert (found.host, found.port) == ("a.example.com", 6000)

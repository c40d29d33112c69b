"""The names that begin with ``ENVCONN_``: known, nearly known, and those that belong to others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import envconn
from envconn.remote import provider_api
from envconn.selection import variables
from envconn.tls import policy

URL = "postgresql://app@db.example.com/app"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ENVCONN_TSL", "Use ENVCONN_TLS"),
        ("ENVCONN_TLS_WAIVER", "Use ENVCONN_TLS_WAIVE"),
        ("ENVCONN_TLS_LOCALS", "Use ENVCONN_TLS_LOCAL"),
        ("ENVCONN_POOLMODE", "Use ENVCONN_POOL_MODE"),
        ("ENVCONN_PROVIDERS", "Use ENVCONN_PROVIDER"),
        ("ENVCONN_PHASES", "Use ENVCONN_PHASE"),
        ("ENVCONN_DATABASES_VARIABLE", "Use ENVCONN_DATABASE_VARIABLE"),
        ("ENVCONN_WAIVE", "remove it"),
        ("ENVCONN_CACHE_TLS_CAS", "Use ENVCONN_CACHE_TLS_CA"),
        ("ENVCONN_ANALYTICS_TLS", "Remove it"),
        ("ENVCONN_ANALYTICS_TLS_CA", "Remove it"),
        ("ENVCONN_DATABASE_TSL", "Use ENVCONN_DATABASE_TLS"),
        ("ENVCONN_DATABASE_POOLMODE", "Use ENVCONN_DATABASE_POOL_MODE"),
        ("ENVCONN_DATABASE_API_CA", "remove it"),
        ("ENVCONN_SOMETHING_AUTH", "Remove it"),
    ],
)
def test_refused(name: str, near: str) -> None:
    with pytest.raises(envconn.ConfigurationError, match=near) as caught:
        envconn.load({"DATABASE_URL": URL, name: "verify-full"}, env_file=None)
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [
        ("envconn-variable-unknown", name)
    ]


@pytest.mark.parametrize(
    "name", ["ENVCONN_SERVICE_HOST", "ENVCONN_PORT_5432_TCP_ADDR", "ENVCONN_DEPLOY", "ENVCONN_CACHED"]
)
def test_noted(name: str) -> None:
    notes = envconn.load({"DATABASE_URL": URL, name: "x"}, env_file=None).report().notes
    assert [(note.code, note.variable) for note in notes] == [("envconn-variable-ignored", name)]


@pytest.mark.parametrize("name", ["MY_ENVCONN_TSL", "ENVCONN_TEST_SERVERS", "ENVCONN"])
def test_not_ours(name: str) -> None:
    assert envconn.load({"DATABASE_URL": URL, name: "x"}, env_file=None).report().notes == ()


@pytest.mark.parametrize("name", variables.KNOWN)
def test_known(name: str) -> None:
    assert list(variables.unknown_names({name})) == []


def test_a_phase_is_build_or_nothing() -> None:
    for word in ("biuld", "Build", "1"):
        with pytest.raises(envconn.ConfigurationError, match="ENVCONN_PHASE: is invalid: expected build"):
            envconn.load({"DATABASE_URL": URL, "ENVCONN_PHASE": word}, env_file=None)
    assert "database" in envconn.load({"DATABASE_URL": URL, "ENVCONN_PHASE": "build"}, env_file=None)


def test_what_other_modules_read_is_known() -> None:
    of_the_policy = {name for name in policy.VARIABLES if name.startswith("ENVCONN_")}
    of_the_apis = set(re.findall(r"ENVCONN_API_[A-Z_]+", Path(provider_api.__file__).read_text(encoding="utf-8")))
    assert of_the_policy | of_the_apis <= {*variables.KNOWN}
    assert len(of_the_policy) >= 4
    assert len(of_the_apis) >= 5

"""The names that begin with ``ENVCONN_``: known, nearly known, and those that belong to others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import envconn
import envconn_pytest
from envconn.selection import variables

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
        ("ENVCONN_AUTH_", "Use ENVCONN_AUTH"),
        ("ENVCONN_AUTH_NAMES", "emove it"),
        ("ENVCONN_BROKER_AUTH_REGIONS", "Use ENVCONN_BROKER_AUTH_REGION"),
        ("ENVCONN_ANALYTICS_AUTH", "emove it"),
        ("ENVCONN_AUHT", "Use ENVCONN_AUTH"),
        ("ENVCONN_DATABASE_ATUH", "Use ENVCONN_DATABASE_AUTH"),
        ("ENVCONN_IGNORED", "Use ENVCONN_IGNORE, or remove it"),
        ("ENVCONN_ENDPOINTS", "Use ENVCONN_ENDPOINT"),
        ("ENVCONN_RESULT_TLS", "emove it"),
        ("ENVCONN_PYTEST_ALOW", "Use ENVCONN_PYTEST_ALLOW"),
        ("ENVCONN_API_NEONS", "Use ENVCONN_API_NEON"),
        ("ENVCONN_SECRET_DIR", "Use ENVCONN_SECRETS_DIR"),
        ("ENVCONN_SENTINEL_MASTERS", "Use ENVCONN_SENTINEL_MASTER"),
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


def test_what_the_source_names_is_known() -> None:
    """A message that tells people to set a name which is an error would be a dead end."""
    sources = [*Path(envconn.__file__).parent.rglob("*.py"), *Path(envconn_pytest.__file__).parent.parent.rglob("*.py")]
    named = {name for each in sources for name in re.findall(r"\bENVCONN_[A-Z_]*[A-Z]", each.read_text("utf-8"))}
    assert list(variables.unknown_names(named - MISTAKES)) == []
    assert len(named) > 12


MISTAKES = {"ENVCONN_TSL", "ENVCONN_SERVICE_HOST", "ENVCONN_ANALYTICS"}
"""Examples of names that are unknown, and the beginning of a name."""

"""A whole secret that is one service in parts."""

from __future__ import annotations

import pytest

import envconn
from envconn.settings import parts
from leaks import failure_surfaces, find
from sourced import HOST, MARKER, RDS, Refused, Vault, VaultSource, adding


def test_parts_of_a_service() -> None:
    made = adding(
        lambda cls: parts(VaultSource(cls, RDS)),
        lambda cls: parts(VaultSource(cls, {**RDS, "engine": "mysql", "port": 3306}), "orders"),
        lambda cls: parts(
            VaultSource(cls, {"host": HOST, "tls_port": 6380, "type": "redis", "password": "x"}), "cache"
        ),
    )()
    assert {
        name: (service.family, service.port, service.origin.variable) for name, service in made.services.items()
    } == {
        "database": ("postgresql", 5432, "DATABASE_URL"),
        "orders": ("mysql", 3306, "ORDERS_DATABASE_URL"),
        "cache": ("redis", 6380, "CACHE_URL"),
    }


def test_parts_without_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """RDS manages the password of a user, and knows nothing else."""
    model = adding(lambda cls: parts(VaultSource(cls, {"username": "app", "password": MARKER})))
    with pytest.raises(envconn.ConfigurationError, match="DATABASE_HOST: not set"):
        model()
    monkeypatch.setenv("DATABASE_HOST", HOST)
    monkeypatch.setenv("DATABASE_NAME", "app")
    assert (model().database.user, model().database.password.reveal()) == ("app", MARKER)
    with pytest.raises(envconn.ConfigurationError, match="ORDERS_DATABASE_URL: there is no host"):
        adding(lambda cls: parts(VaultSource(cls, {"username": "app", "password": MARKER}), "orders"))()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"engine": "oracle"}, "scheme-unsupported"),
        ({"host": ""}, "host-missing"),
        ({"port": "many"}, "port-range"),
        ({"password": [MARKER]}, "part-invalid"),
        ({"sslmode": "disable"}, "tls-disabled"),
    ],
)
def test_parts_that_are_wrong(wrong: dict[str, object], code: str) -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(lambda cls: parts(VaultSource(cls, {**RDS, **wrong}), "orders"))()
    assert [problem.code for problem in caught.value.problems] == [code]
    assert find(MARKER, failure_surfaces(caught.value)) == {}


def test_parts_that_cannot_be_read() -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        adding(lambda cls: parts(VaultSource(cls, Vault(**{**RDS, "password": Refused(MARKER)}))))()
    assert [problem.code for problem in caught.value.problems] == ["secret-unavailable"]


def test_parts_fill_no_fields() -> None:
    class Named(adding(lambda cls: parts(VaultSource(cls, RDS)))):  # type: ignore[misc]
        username: str = "nobody"

    assert Named().username == "nobody"
    source = parts(VaultSource(Named, RDS))
    assert source.get_field_value(Named.model_fields["username"], "username") == (None, "username", False)

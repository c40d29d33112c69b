"""The family record: it is consistent, what it names exists, and no other module distinguishes families by name."""

from __future__ import annotations

import ast
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import envconn
from envconn.families import BY_SCHEME, BY_WORD, FAMILIES, serving
from envconn.tls import TlsLevel

if TYPE_CHECKING:
    from pathlib import Path

ROLES = {"database", "broker", "results", "cache"}
MEMBERS = {"grammar": "envconn.grammar", "probe": "envconn.probe"}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family(name: str) -> None:
    family = FAMILIES[name]
    assert {family.plain, family.secure} <= {*family.schemes, *([] if family.schemes else [""])}
    assert bool(family.serverless) is not bool(family.port)
    assert {*family.services} <= ROLES
    assert (family.plain != family.secure) is family.verified
    assert all({plain, secure} <= {*family.schemes} for plain, secure in family.tls_schemes)
    assert bool(family.probe) is bool(family.port) is bool(family.instead) is bool(family.verify)
    assert bool(family.login) is bool(family.driver)
    assert bool(family.name_ca) is (bool(family.port and family.secure) and not family.verified)


def test_no_scheme_and_no_word_means_two_families() -> None:
    assert len(BY_SCHEME) == sum(len(family.schemes) for family in FAMILIES.values())
    assert len(BY_WORD) == sum(len(family.words) for family in FAMILIES.values())


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_family_names_is_there(name: str) -> None:
    for column, package in MEMBERS.items():
        if named := getattr(FAMILIES[name], column):
            module, _, member = named.partition(".")
            assert callable(getattr(import_module(f"{package}.{module}"), member))
    if login := FAMILIES[name].login:
        assert callable(import_module(f"envconn.probe.login.{login}").log_in)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("database", ("mysql", "postgresql", "sqlite")),
        ("broker", ("amqp", "celery", "redis", "sentinel")),
        ("results", ("celery", "postgresql", "redis", "sentinel", "sqlite")),
        ("cache", ("django-cache", "memcached", "redis", "sentinel")),
        ("queue", ()),
    ],
)
def test_serving(role: str, expected: tuple[str, ...]) -> None:
    assert serving(role) == expected


TEXTS = {
    "postgresql": "{}://u@db.example.com/d",
    "mysql": "{}://u@db.example.com/d",
    "redis": "{}://db.example.com",
    "sentinel": "{}://db.example.com/master",
    "amqp": "{}://db.example.com",
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_left_out_and_what_the_scheme_says(name: str) -> None:
    family = FAMILIES[name]
    connection = envconn.parse(TEXTS[name].format(family.secure))
    assert connection.family == name
    assert connection.hosts[0].port == (family.tls_port or family.port)
    assert connection.dbname == (family.dbname or "d")
    assert (envconn.secure(connection).tls.level == TlsLevel.VERIFY_FULL) is family.verified


@pytest.mark.checkout
def test_no_other_module_compares_with_the_name_of_a_family(checkout: Path) -> None:
    found = [
        (path.name, node.lineno)
        for directory in ("src", "integrations")
        for path in (checkout / directory).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(side, ast.Attribute) and side.attr == "family" for side in (node.left, *node.comparators))
        and any(isinstance(each, ast.Constant) and each.value in FAMILIES for each in ast.walk(node))
    ]
    assert found == []

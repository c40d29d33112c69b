"""What libpq's variables make of a text without ``sslmode``, also where the policy's floor does not apply."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import envconn
from envconn.drivers import asyncpg, libpq, pg8000
from envconn.tls.ca import BUNDLES

SYSTEM = next(path for path in BUNDLES if os.path.isfile(path))
SILENT = "postgresql://u:p@{}/d"
LOCAL = {"DATABASE_URL": SILENT.format("127.0.0.1")}
WAIVED = {"DATABASE_URL": SILENT.format("db.internal"), "ENVCONN_TLS_WAIVE": "*.internal"}
PREFER = {"DATABASE_URL": SILENT.format("127.0.0.1") + "?sslmode=prefer"}
ALLOW = {"DATABASE_URL": SILENT.format("db.internal") + "?sslmode=allow"}
FULL = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": SYSTEM}
"""libpq's defaults, as conninfo_add_defaults of fe-connect.c reads them."""


@pytest.mark.parametrize(
    ("environ", "level", "variable"),
    [
        ({**LOCAL, **FULL}, "verify-full", "PGSSLMODE"),
        ({**WAIVED, **FULL}, "verify-full", "PGSSLMODE"),
        ({**LOCAL, **FULL, "DATABASE_URL": SILENT.format("[::1],localhost")}, "verify-full", "PGSSLMODE"),
        ({**LOCAL, **FULL, "PGSSLMODE": "verify-ca"}, "verify-ca", "PGSSLMODE"),
        ({**WAIVED, "PGSSLMODE": "require"}, "encrypted", "PGSSLMODE"),
        ({**LOCAL, "PGREQUIRESSL": "1"}, "encrypted", "PGREQUIRESSL"),
        ({**WAIVED, "PGREQUIRESSL": "1x"}, "encrypted", "PGREQUIRESSL"),
        ({**WAIVED, "PGSSLROOTCERT": "system"}, "verify-full", "PGSSLROOTCERT"),
        ({**LOCAL, "PGSSLROOTCERT": "system", "PGSSLMODE": "require"}, "verify-full", "PGSSLROOTCERT"),
        ({**LOCAL, **PREFER, "PGSSLROOTCERT": "system"}, "verify-full", "PGSSLROOTCERT"),
        ({**WAIVED, **ALLOW, "PGSSLROOTCERT": "system"}, "verify-full", "PGSSLROOTCERT"),
        ({**LOCAL, "PGSSLROOTCERT": "system", "PGSSLMODE": "verify-full"}, "verify-full", "PGSSLMODE"),
        ({**LOCAL, "ENVCONN_TLS_LOCAL": "enforce", "PGREQUIRESSL": "1"}, "encrypted", "ENVCONN_TLS"),
        ({"DATABASE_URL": SILENT.format("db.example.com"), "PGREQUIRESSL": "1"}, "encrypted", "ENVCONN_TLS"),
        ({"DATABASE_URL": SILENT.format("db.example.com"), **FULL}, "verify-full", "PGSSLMODE"),
    ],
)
def test_a_text_without_a_mode_gets_that_of_libpq(environ: dict[str, str], level: str, variable: str) -> None:
    tls = envconn.load(environ, env_file=None).database.tls
    assert (str(tls.level), str(tls.requested)) == (level, "opportunistic")
    assert any(f"raised to {level}" in reason and variable in reason for reason in tls.evidence)


@pytest.mark.parametrize(
    "environ",
    [
        {**LOCAL, "PGSSLMODE": "prefer"},
        {**LOCAL, "PGSSLMODE": "disable"},
        {**WAIVED, "PGSSLMODE": "allow"},
        {**LOCAL, "PGSSLMODE": "prefer", "PGREQUIRESSL": "1"},  # the one counts only without the other
        {**LOCAL, "PGREQUIRESSL": "0"},
        {**WAIVED, "PGREQUIRESSL": "yes"},
        {**LOCAL, "PGSSLROOTCERT": SYSTEM},  # test_an_optional_ca
        {**WAIVED, "PGSSLROOTCERT": SYSTEM},
        {**LOCAL, **FULL, "DATABASE_URL": SILENT.format("localhost") + "?sslmode=prefer"},
        {**WAIVED, **FULL, "DATABASE_URL": SILENT.format("db.internal") + "?sslmode=prefer"},
        {**LOCAL, "ENVCONN_TLS": "verify-full"},
    ],
)
def test_what_raises_nothing_here(environ: dict[str, str]) -> None:
    assert str(envconn.load(environ, env_file=None).database.tls.level) == "opportunistic"


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({**LOCAL, "PGSSLROOTCERT": SYSTEM}, "PGSSLROOTCERT"),
        ({**WAIVED, "PGSSLROOTCERT": SYSTEM}, "PGSSLROOTCERT"),
        ({**LOCAL, **PREFER, "PGSSLROOTCERT": SYSTEM}, "PGSSLROOTCERT"),
        ({**LOCAL, "PGSSLROOTCERT": SYSTEM, "ENVCONN_TLS_CA": "system"}, "PGSSLROOTCERT"),
        ({**LOCAL, "PGSSLROOTCERT": SYSTEM, "DATABASE_CA_CERT": "system"}, "PGSSLROOTCERT"),
        ({**LOCAL, "PGSSLROOTCERT": "missing.pem"}, None),
        ({**LOCAL, "ENVCONN_TLS_CA": SYSTEM}, None),
        ({**LOCAL, "DATABASE_CA_CERT": SYSTEM}, None),
        ({**LOCAL, "DATABASE_URL": "mysql://u:p@localhost/d", "PGSSLROOTCERT": SYSTEM}, None),
        ({**LOCAL, "DATABASE_URL": SILENT.format("localhost") + "?sslmode=disable", "PGSSLROOTCERT": SYSTEM}, None),
    ],
)
def test_an_optional_ca(environ: dict[str, str], variable: str | None) -> None:
    """libpq checks against its own CA where TLS is optional, too, if the file exists; no driver but libpq can."""
    found = envconn.load(environ, env_file=None).database
    assert (found.tls.ca and found.tls.ca.variable) == variable
    if variable is None:
        return
    assert libpq.arguments(found, 18_00_00)["sslrootcert"] == SYSTEM
    assert [reason for reason in found.tls.evidence if "continues without TLS if it fails" in reason]
    for driver in (asyncpg, pg8000):
        with pytest.raises(envconn.ConfigurationError, match="cannot check the CA of PGSSLROOTCERT when TLS is opt"):
            driver.arguments(found)


@pytest.mark.parametrize(("mode", "code"), [("prefer", ["ca-broken"]), ("disable", [])])
def test_an_optional_ca_that_is_broken(tmp_path: Path, mode: str, code: list[str]) -> None:
    (broken := tmp_path / "root.crt").write_text("nothing", encoding="ascii")
    url = f"{SILENT.format('localhost')}?sslmode={mode}"
    found: list[str] = []
    try:
        envconn.load({"DATABASE_URL": url, "PGSSLROOTCERT": str(broken)}, env_file=None)
    except envconn.ConfigurationError as refusal:
        found = [problem.code for problem in refusal.problems]
    assert found == code


def test_an_optional_ca_stays_under_a_policy_of_the_program() -> None:
    environ = {**LOCAL, "PGSSLROOTCERT": SYSTEM}
    found = envconn.load(environ, env_file=None, policy=envconn.Policy(ca="system", tls="require")).database
    assert found.tls.ca
    assert (str(found.tls.level), found.tls.ca.variable) == ("opportunistic", "PGSSLROOTCERT")


@pytest.mark.parametrize("mode", ["require", "disable"])
def test_what_the_drivers_remedy_says(mode: str) -> None:
    environ = {**LOCAL, "PGSSLROOTCERT": SYSTEM, "DATABASE_URL": f"{SILENT.format('localhost')}?sslmode={mode}"}
    found = envconn.load(environ, env_file=None).database
    assert bool(asyncpg.arguments(found)["ssl"]) is bool(pg8000.arguments(found)["ssl_context"]) is (mode == "require")


@pytest.mark.parametrize(
    ("query", "level"),
    [
        ("sslmode=require", "verify-full"),
        ("sslmode=verify-ca", "verify-full"),
        (f"sslrootcert={SYSTEM}", "verify-ca"),
        (f"sslmode=prefer&sslrootcert={SYSTEM}", "verify-ca"),
        (f"sslmode=disable&sslrootcert={SYSTEM}", "none"),
    ],
)
def test_with_the_systems_cas_libpq_takes_verify_full_alone(query: str, level: str) -> None:
    """It refuses a weaker word, unless the text names another CA (fe-connect.c, pqConnectOptions2)."""
    environ = {"DATABASE_URL": f"{SILENT.format('localhost')}?{query}", "PGSSLROOTCERT": "system"}
    assert str(envconn.load(environ, env_file=None).database.tls.level) == level


@pytest.mark.parametrize(
    "place", [SILENT.format("localhost"), SILENT.format("db.internal"), "postgresql://u@/d?host=/run"]
)
def test_what_contradicts_the_systems_cas(place: str) -> None:
    url = f"{place}{'&' if '?' in place else '?'}sslmode=disable"
    environ = {**WAIVED, "DATABASE_URL": url}
    assert str(envconn.load(environ, env_file=None).database.tls.level) == "none"
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load({**environ, "PGSSLROOTCERT": "system"}, env_file=None)
    assert [(each.code, each.variable) for each in caught.value.problems] == [("sslmode-contradicts", "DATABASE_URL")]
    assert "PGSSLROOTCERT=system. Remove sslmode, or unset PGSSLROOTCERT" in str(caught.value)
    remedied = {**environ, "DATABASE_URL": place, "PGSSLROOTCERT": "system"}
    assert envconn.load(remedied, env_file=None).database.tls.requested == "opportunistic"


def test_what_does_not_contradict_the_systems_cas() -> None:
    """Another family does without libpq's variables, and a remote host is refused for one reason."""
    environ = {"REDIS_URL": "redis://localhost", "PGSSLROOTCERT": "system"}
    assert str(envconn.load(environ, env_file=None).cache.tls.level) == "none"
    url = f"{SILENT.format('db.example.com')}?sslmode=disable"
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load({"DATABASE_URL": url, "PGSSLROOTCERT": "system"}, env_file=None)
    assert [problem.code for problem in caught.value.problems] == ["tls-disabled"]


@pytest.mark.parametrize(
    ("url", "level"), [("sslmode=disable", "none"), ("sslmode=require", "encrypted"), ("host=/run/postgresql", "none")]
)
def test_the_text_and_the_socket_come_first(url: str, level: str) -> None:
    environ = {
        "DATABASE_URL": f"postgresql://u:p@{'' if 'host' in url else 'localhost'}/d?{url}",
        "PGSSLMODE": "require",
    }
    assert str(envconn.load(environ, env_file=None).database.tls.level) == level


def test_another_family_has_no_such_variable() -> None:
    environ = {"DATABASE_URL": "mysql://u:p@localhost/d", **FULL}
    assert str(envconn.load(environ, env_file=None).database.tls.level) == "opportunistic"


def test_a_user_without_an_entry_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as any user; libpq goes on without a home then."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 987_654_321)
    monkeypatch.setenv("DATABASE_URL", SILENT.format("localhost"))
    assert str(envconn.load(env_file=None).database.tls.level) == "opportunistic"


@pytest.mark.parametrize("variable", ["PGSSLCRL", "PGSSLCRLDIR"])
def test_a_path_that_no_file_has(variable: str) -> None:
    environ = {"DATABASE_URL": SILENT.format("db.example.com"), **FULL, variable: "a\0b"}
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load(environ, env_file=None)
    assert [problem.code for problem in caught.value.problems] == ["tls-file-missing"]


@pytest.mark.parametrize(("variable", "own"), [("PGSSLCRL", True), ("PGSSLCRLDIR", True), ("PGSSLCRL", False)])
def test_the_list_in_the_home_is_not_replaced_by_an_env_file(tmp_path: Path, variable: str, *, own: bool) -> None:
    """Only the list is a file here: any PEM is read as one."""
    (tmp_path / ".postgresql").mkdir()
    at_home = tmp_path / ".postgresql" / "root.crl"
    for path in (at_home,) if own else ():
        path.write_bytes(Path(SYSTEM).read_bytes())
    (tmp_path / ".env").write_text(f"{variable}={SYSTEM}\n", encoding="utf-8")
    environ = {"DATABASE_URL": SILENT.format("db.example.com"), **FULL, "HOME": str(tmp_path)}
    found = envconn.load(environ, env_file=tmp_path / ".env").database
    assert found.parameters["sslcrl"] == (str(at_home) if own else SYSTEM)

"""What libpq reads below ``~/.postgresql`` where nothing else is stated: it raises, as with libpq alone."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import envconn
from envconn import ConfigurationError
from envconn.drivers import libpq

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

CA, CRL = "~/.postgresql/root.crt", "~/.postgresql/root.crl"
URL = "postgresql://u:p@db.example.com/d"
FULL = f"{URL}?sslmode=verify-full"


class Home(NamedTuple):
    """The process's home with both files in it, and other files."""

    path: Path
    ca: str
    crl: str
    others: dict[str, str]

    def environ(self, **variables: str) -> dict[str, str]:
        found = {name: value.format_map(self.others) for name, value in variables.items()}
        return {"HOME": str(self.path), "DATABASE_URL": URL, **found}


@pytest.fixture
def home(certificates: Certificates, tmp_path: Path) -> Home:
    (directory := tmp_path / ".postgresql").mkdir()
    (lists := tmp_path / "lists").mkdir()
    (lists / "0123abcd.r0").touch()
    (directory / "root.crt").write_bytes(certificates.ca.read_bytes())
    (directory / "root.crl").write_bytes(certificates.good.chain.read_bytes())
    others = {"ca": certificates.other_ca, "crl": certificates.other_ca, "lists": lists}
    paths = {name: str(path) for name, path in others.items()}
    return Home(tmp_path, str(directory / "root.crt"), str(directory / "root.crl"), paths)


def database(home: Home, **variables: str) -> envconn.SecuredConnection:
    return envconn.load(home.environ(**variables), env_file=None).database


@pytest.mark.parametrize(
    ("variables", "level", "why"),
    [
        ({}, "verify-ca", "libpq: require with a root certificate verifies"),
        ({"DATABASE_URL": f"{URL}?sslmode=require"}, "verify-ca", "the same"),
        ({"DATABASE_URL": FULL}, "verify-full", "the CA that was missing"),
        ({"PGHOST": "h", "PGUSER": "u", "PGDATABASE": "d", "DATABASE_URL": ""}, "verify-ca", "in parts"),
        ({"DATABASE_URL": URL.replace("db.example.com", "localhost")}, "opportunistic", "as far as libpq goes"),
    ],
)
def test_the_ca_is_used_where_none_is_stated(home: Home, variables: dict[str, str], level: str, why: str) -> None:
    found = database(home, **variables)
    assert str(found.tls.level) == level, why
    assert found.tls.ca
    assert (found.tls.ca.path, found.tls.ca.variable) == (home.ca, CA)
    assert libpq.arguments(found, 18_00_00)["sslrootcert"] == home.ca
    assert ("sslcrl", home.crl) in found.parameters.items()


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": f"{FULL}&sslrootcert={{ca}}"},
        {"PGSSLROOTCERT": "{ca}"},
        {"DATABASE_CA_CERT": "{ca}"},
        {"ENVCONN_TLS_CA": "{ca}"},
        {"ENVCONN_DATABASE_TLS_CA": "{ca}"},
    ],
)
def test_a_stated_ca_is_used_instead(home: Home, variables: dict[str, str]) -> None:
    found = database(home, **variables)
    assert found.tls.ca
    assert found.tls.ca.path == home.others["ca"]


def test_an_env_file_states_the_ca_of_its_own_texts(home: Home, tmp_path: Path) -> None:
    (env_file := tmp_path / ".env").write_text(f"DATABASE_CA_CERT={home.others['ca']}\nOTHER_DATABASE_URL={URL}\n")
    services = envconn.load(home.environ(), env_file=env_file)
    assert [each.tls.ca and each.tls.ca.path for each in services.values()] == [home.ca, home.others["ca"]]


def test_nothing_but_postgresql_is_verified_with_it(home: Home) -> None:
    environ = home.environ(DATABASE_URL="mysql://u:p@db.example.com/d", CACHE_URL="rediss://cache.example.com")
    services = envconn.load(environ, env_file=None)
    assert str(services.database.tls.level) == "encrypted"
    assert services.cache.tls.ca
    assert services.cache.tls.ca.kind == "system"


@pytest.mark.parametrize("variables", [{}, {"DATABASE_URL": f"{FULL}&sslrootcert={{ca}}"}])
def test_the_list_is_used_where_none_is_stated(home: Home, variables: dict[str, str]) -> None:
    services = envconn.load(home.environ(**variables), env_file=None)
    assert libpq.arguments(services.database, 18_00_00)["sslcrl"] == home.crl
    assert [note.code for note in services.report().notes if note.variable == CRL] == ["demand-raised"]
    assert f"{CRL} demands more than the text: sslcrl" in services.database.tls.evidence


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": f"{FULL}&sslcrl={{crl}}"},
        {"DATABASE_URL": f"{FULL}&sslcrldir={{lists}}"},
        {"PGSSLCRL": "{crl}"},
        {"PGSSLCRLDIR": "{lists}"},
    ],
)
def test_stated_lists_are_used_instead(home: Home, variables: dict[str, str]) -> None:
    assert libpq.arguments(database(home, **variables), 18_00_00).get("sslcrl") != home.crl


def test_without_verification_the_list_has_no_effect(home: Home) -> None:
    Path(home.ca).unlink()
    assert "sslcrl" not in database(home).parameters


@pytest.mark.parametrize(("name", "code"), [(CA, "ca-broken"), (CRL, "crl-broken")])
def test_a_broken_file_is_an_error(home: Home, name: str, code: str) -> None:
    (home.path / name.removeprefix("~/")).write_text("nothing")
    with pytest.raises(ConfigurationError) as caught:
        database(home)
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, name)]


def test_the_evidence_names_the_file(home: Home) -> None:
    evidence = "; ".join(database(home).tls.evidence)
    assert f"raised to verify-ca, because {CA} is a CA to verify with" in evidence
    assert f"checked against the CA in {home.ca};" in evidence


def test_the_minimum_is_reported_where_it_raises(home: Home) -> None:
    evidence = "; ".join(database(home, ENVCONN_TLS="verify-full").tls.evidence)
    assert "raised to verify-full, the minimum set by ENVCONN_TLS" in evidence


def test_without_a_home_nothing_is_read(home: Home) -> None:
    found = envconn.load({"DATABASE_URL": URL}, env_file=None).database
    assert str(found.tls.level) == "encrypted"
    assert str(database(home, HOME=str(home.path / "other")).tls.level) == "encrypted"


def test_without_a_home_the_working_directory_is_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.path)
    assert str(envconn.load({"DATABASE_URL": URL}, env_file=None).database.tls.level) == "encrypted"


def test_an_env_file_has_no_home(home: Home, tmp_path: Path) -> None:
    (env_file := tmp_path / ".env").write_text(f"HOME={home.path}\nDATABASE_URL={URL}\n")
    assert str(envconn.load({}, env_file=env_file).database.tls.level) == "encrypted"


@pytest.mark.parametrize("variable", [None, ""])
def test_the_home_of_the_user(home: Home, monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
    """libpq looks it up where HOME is not set, or empty (fe-connect.c, pqGetHomeDirectory)."""
    monkeypatch.delenv("HOME")
    if variable is not None:
        monkeypatch.setenv("HOME", variable)
    user = pwd.getpwuid(os.geteuid())
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd((*user[:5], str(home.path), user[6])))
    assert str(envconn.secure(URL).tls.level) == "verify-ca"

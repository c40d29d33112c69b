"""What platforms mount and bind, up to a real PostgreSQL: the CA of a binding is what the server is held against."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import psycopg
import pytest

import envconn
import envconn_psycopg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

Texts = dict[str, str]


def parts(server: Server, ca: str) -> Texts:
    return {
        "host": "localhost",
        "port": str(server.port),
        "username": server.user,
        "password": server.password,
        "dbname": server.dbname,
        "certificates": ca,
    }


def binding(given: Texts, root: Path) -> Texts:
    (root / "bound" / "db").mkdir(parents=True)
    for name, text in {**given, "type": "postgresql", "database": given["dbname"]}.items():
        (root / "bound" / "db" / name).write_text(f"{text}\n", encoding="utf-8")
    return {"SERVICE_BINDING_ROOT": str(root / "bound")}


def vcap(given: Texts, _: Path) -> Texts:
    return {"VCAP_SERVICES": json.dumps({"postgresql": [{"name": "db", "credentials": given}]})}


def manager(given: Texts, _: Path) -> Texts:
    return {"DATABASE_URL": json.dumps({**given, "engine": "postgres", "port": int(given["port"])})}


def secrets(given: Texts, root: Path) -> Texts:
    (root / "secrets").mkdir()
    (root / "secrets" / "database_url").write_text(f"{json.dumps(given, indent=2)}\n", encoding="utf-8")
    return {"ENVCONN_SECRETS_DIR": str(root / "secrets")}


def beanstalk(given: Texts, root: Path) -> Texts:
    (root / "ca").write_text(given["certificates"], encoding="ascii")
    names = {"HOSTNAME": "host", "PORT": "port", "DB_NAME": "dbname", "USERNAME": "username", "PASSWORD": "password"}
    return {**{f"RDS_{name}": given[part] for name, part in names.items()}, "DATABASE_CA_CERT": str(root / "ca")}


def upsun(given: Texts, root: Path) -> Texts:
    (root / "ca").write_text(given["certificates"], encoding="ascii")
    document = {"db": [{**given, "scheme": "pgsql", "path": given["dbname"]}]}
    encoded = b64encode(json.dumps(document).encode()).decode()
    return {"PLATFORM_RELATIONSHIPS": encoded, "DATABASE_CA_CERT": str(root / "ca")}


@pytest.fixture(params=[binding, vcap, manager, secrets, beanstalk, upsun], ids=lambda each: each.__name__)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Server, Path], envconn.SecuredConnection]:
    def loaded(server: Server, ca: Path) -> envconn.SecuredConnection:
        environ = request.param(parts(server, ca.read_text(encoding="ascii")), tmp_path)
        return envconn.load({**environ, "ENVCONN_TLS": "verify-full", "ENVCONN_TLS_LOCAL": "enforce"}).database

    return loaded


def test_connects(
    place: Callable[[Server, Path], envconn.SecuredConnection], lab: Lab, certificates: Certificates
) -> None:
    judged = place(lab["good"], certificates.ca)
    assert judged.tls.level is envconn.TlsLevel.VERIFY_FULL
    with envconn_psycopg.connect(judged) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone() == (True,)


@pytest.mark.parametrize("state", ["good", "wronghost", "expired", "notls"])
def test_refuses(
    place: Callable[[Server, Path], envconn.SecuredConnection], lab: Lab, certificates: Certificates, state: str
) -> None:
    judged = place(lab[state], certificates.other_ca if state == "good" else certificates.ca)
    with pytest.raises(psycopg.OperationalError):
        envconn_psycopg.connect(judged)

"""``.env`` files, Secrets and credentials: what their readers get out of them is what was judged."""

from __future__ import annotations

import io
import re
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import quote

import dotenv
import pytest
import yaml

import envconn
from envconn.export import FORMATS, render

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from envconn.export import FormatName
    from throwaway.certificates import Certificates

HARD = [
    *("it's", '"quoted"', "$HOME ${HOME} ${X:-y} $(id) `id`", "#no comment", "a:b\\:c\\\\n", " blanks "),
    *("\u00fc\u4e16\U0001f600", "%41&x=y", "\\", "a\nb\tc\x01\x7f\x85\u2028\ufeff\u00ad", "- {a: b}", "null", "1e3"),
]
KINDS = {
    "postgresql": "postgresql://app:{0}@db.example/d?sslmode=verify-full",
    "mysql": "mysql://app:{0}@db.example/d?ssl-mode=VERIFY_IDENTITY",
    "redis": "rediss://app:{0}@cache.example/1",
    "amqp": "amqps://app:{0}@mq.example/v",
}


def judged(kind: str, password: str = "s3cret") -> SecuredConnection:
    url = KINDS[kind].format(quote(password, safe=""))
    return envconn.secure(envconn.parse(url, "DATABASE_URL"), envconn.Policy(ca="system"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hard", HARD)
def test_read_back(hard: str, kind: str) -> None:
    connection = judged(kind, hard)
    due = connection.uri().reveal()
    assert re.fullmatch(r"[A-Za-z0-9._~:/?@&=,%\[\]-]+", due), "nothing that any of them would look at"
    line = render(connection, "dotenv")
    for interpolate in (True, False):
        assert dotenv.dotenv_values(stream=io.StringIO(line), interpolate=interpolate) == {"DATABASE_URL": due}
    shell = subprocess.run(
        ["sh", "-euc", f'{line}printf %s "$DATABASE_URL"'], capture_output=True, check=True, timeout=60
    )
    assert shell.stdout.decode() == due
    secret = yaml.safe_load(render(connection, "kubernetes"))
    assert secret["stringData"]["DATABASE_URL"] == due
    assert secret["stringData"].get("DATABASE_PASSWORD") == (hard if kind == "postgresql" else None)
    assert envconn.parse(due).password == envconn.Secret(hard)


@pytest.mark.parametrize("kind", KINDS)
def test_uri_of_every_kind(kind: str) -> None:
    connection = judged(kind)
    text = render(connection, "uri").rstrip("\n")
    assert text.startswith(connection.uri().reveal().partition("?")[0])
    assert (text == connection.uri().reveal()) is (kind != "postgresql"), "libpq's says more"


def test_a_file_is_a_database_too() -> None:
    connection = envconn.secure(envconn.parse("sqlite:////srv/a%20b.db"))
    assert render(connection, "dotenv") == "DATABASE_URL='sqlite:////srv/a%20b.db'\n"
    assert render(connection, "uri") == "sqlite:////srv/a%20b.db\n"


@pytest.mark.parametrize("name", ["dotenv", "kubernetes"])
@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca", "verify-full"])
def test_envconn_reads_the_same_verdict(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory, name: FormatName, mode: str
) -> None:
    query = f"sslmode={mode}{f'&sslrootcert={certificates.ca}' if 'verify' in mode else ''}"
    environ = {"DATABASE_URL": f"postgresql://app:s3cret@db.example/d?{query}", "ENVCONN_TLS_WAIVE": "*.example"}
    first = envconn.load(environ, env_file=None).database
    text = render(first, name)
    (path := tmp_path_factory.mktemp(name) / "file").write_text(text, encoding="utf-8")
    found = {
        "dotenv": {},
        "kubernetes": yaml.safe_load(text)["stringData"] if name == "kubernetes" else {},
    }[name]
    waived = {"ENVCONN_TLS_WAIVE": "*.example"}
    second = envconn.load({**found, **waived}, env_file=path if name == "dotenv" else None).database
    assert (second.tls.level, second.uri().reveal()) == (first.tls.level, first.uri().reveal())


def test_names_are_those_that_envconn_reads() -> None:
    environ = {
        "DATABASE_URL": "postgresql://app:x@db.example/d",
        "SHOP_EU_DATABASE_URL": "postgresql://app:x@eu.example/d",
        "HEROKU_POSTGRESQL_AQUA_URL": "postgresql://app:x@aqua.example/d",
        "AMQP_URL": "amqp://app:x@127.0.0.1/v",
        "REDIS_URL": "redis://:x@127.0.0.1/0",
    }
    services = envconn.load(environ, env_file=None)
    written = "".join(render(connection, "dotenv") for connection in services.values())
    again = envconn.load(dict(dotenv.dotenv_values(stream=io.StringIO(written))), env_file=None)  # type: ignore[arg-type]
    assert {name: found.uri().reveal() for name, found in again.items()} == {
        name: found.uri().reveal() for name, found in services.items()
    }
    assert {yaml.safe_load(render(found, "kubernetes"))["metadata"]["name"] for found in services.values()} == {
        *("database", "shop-eu", "aqua", "broker", "cache")
    }


@pytest.mark.parametrize(("variable", "name"), [("CACHES_DATABASE_URL", "caches"), ("__DATABASE_URL", "database")])
def test_odd_names(variable: str, name: str) -> None:
    services = envconn.load({variable: "postgresql://app:x@db.example/d"}, env_file=None)
    (connection,) = services.values()
    assert render(connection, "dotenv").startswith(f"{variable}='")
    assert yaml.safe_load(render(connection, "kubernetes"))["metadata"] == {"name": name}


def test_secret(certificates: Certificates) -> None:
    pem = certificates.ca.read_text("ascii")
    environ = {"DATABASE_URL": "postgresql://u@a:1,b:2/d?sslmode=verify-full", "DATABASE_CA_CERT": pem}
    connection = envconn.load(environ, env_file=None).database
    manifest = yaml.safe_load(render(connection, "kubernetes", ca="/etc/envconn/ca.crt"))
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "database"},
        "type": "Opaque",
        "stringData": {
            "DATABASE_URL": "postgresql://u@a:1,b:2/d?sslrootcert=/etc/envconn/ca.crt&sslmode=verify-full"
            "&gssencmode=disable",
            "DATABASE_HOST": "a,b",
            "DATABASE_PORT": "1,2",
            "DATABASE_NAME": "d",
            "DATABASE_USER": "u",
            "DATABASE_SSLMODE": "verify-full",
            "DATABASE_SSLROOTCERT": "/etc/envconn/ca.crt",
            "ca.crt": connection.tls.ca and connection.tls.ca.pem,
        },
    }


def test_parts_are_read_like_the_url() -> None:
    connection = envconn.secure(envconn.parse("postgresql://u:p%27%5C%20x@h.example:7/d?sslmode=require"))
    parts = yaml.safe_load(render(connection, "kubernetes"))["stringData"]
    del parts["DATABASE_URL"]
    assert envconn.load(parts, env_file=None).database.uri().reveal() == connection.uri().reveal()


# What the formats do with a CA that came as text, without a word about where its file is.
@pytest.mark.parametrize("name", FORMATS)
def test_text_has_no_place(certificates: Certificates, name: FormatName) -> None:
    pem = certificates.ca.read_text("ascii")
    environ = {"DATABASE_URL": "postgresql://u:p@h.example/d?sslmode=verify-full", "DATABASE_CA_CERT": pem}
    connection = envconn.load(environ, env_file=None).database
    if name == "pgpass":
        assert render(connection, name) == "h.example:5432:d:u:p\n"
        return
    with pytest.raises(envconn.ConfigurationError, match=r"the CA is text, .*--ca PATH"):
        render(connection, name)
    assert "/there/ca.pem" in render(connection, name, ca="/there/ca.pem")
    plain = envconn.load({"DATABASE_URL": "postgresql://u:p@h.example/d"}, env_file=None).database
    assert "/there/ca.pem" not in render(plain, name, ca="/there/ca.pem"), "there is none to be found"

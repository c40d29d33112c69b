"""Where SQL is taken without TCP: addresses, header fields, and who has none."""

from __future__ import annotations

import pytest

import envconn
from envconn.remote import serverless
from leaks import MARKER, failure_surfaces, find, value_surfaces

NEON = "ep-cool-darkness-a1b2c3d4"
PLANETSCALE = "aws-us-east-1-3.pg.psdb.cloud"


def secured(text: str) -> envconn.SecuredConnection:
    return envconn.secure(envconn.parse(text))


@pytest.mark.parametrize("mode", ["", "-pooler"])
@pytest.mark.parametrize(
    "domain", ["us-east-2.aws.neon.tech", "c-2.eu-central-1.aws.neon.tech", "eastus2.azure.neon.tech"]
)
def test_neon(mode: str, domain: str) -> None:
    found = serverless(secured(f"postgresql://app:{MARKER}@{NEON}{mode}.{domain}/neondb?sslmode=require"))
    assert found.http == f"https://api.{domain}/sql"
    assert found.websocket == f"wss://{NEON}{mode}.{domain}/v2"
    assert found.pipelines
    assert list(found.headers) == ["Neon-Connection-String"]
    text = found.headers["Neon-Connection-String"].reveal()
    assert text == f"postgresql://app:{MARKER}@{NEON}{mode}.{domain}/neondb?sslmode=require"


def test_neon_with_a_jwt() -> None:
    found = serverless(secured(f"postgresql://app@{NEON}.us-east-2.aws.neon.tech/d"), jwt=envconn.Secret(MARKER))
    assert found.http == "https://apiauth.us-east-2.aws.neon.tech/sql"
    assert found.headers["Authorization"].reveal() == f"Bearer {MARKER}"
    text = found.headers["Neon-Connection-String"].reveal()
    assert text == f"postgresql://app@{NEON}.us-east-2.aws.neon.tech/d?sslmode=require"


def test_a_jwt_takes_the_place_of_the_password() -> None:
    connection = secured(f"postgresql://app:{MARKER}@{NEON}.us-east-2.aws.neon.tech/d")
    found = serverless(connection, jwt=envconn.Secret("a.b.c"))
    assert MARKER not in found.headers["Neon-Connection-String"].reveal()


@pytest.mark.parametrize("port", [5432, 6432])
def test_planetscale(port: int) -> None:
    found = serverless(secured(f"postgresql://a.b%7Creplica2:{MARKER}@{PLANETSCALE}:{port}/postgres"))
    assert found.http == f"https://{PLANETSCALE}/sql"
    assert found.websocket == f"wss://{PLANETSCALE}/v2?address={PLANETSCALE}:{port}"
    assert not found.pipelines
    place = PLANETSCALE if port == 5432 else f"{PLANETSCALE}:{port}"
    text = found.headers["Neon-Connection-String"].reveal()
    assert text == f"postgresql://a.b%7Creplica2:{MARKER}@{place}/postgres?sslmode=require"


def test_what_goes_along_and_what_is_of_this_machine() -> None:
    query = "sslmode=verify-full&sslrootcert=system&options=neon_timestamp%3A1&application_name=a%20b&keepalives=1"
    found = serverless(secured(f"postgresql://a%40b:p%2F%3A@{NEON}.us-east-2.aws.neon.tech/d%20e?{query}"))
    text = found.headers["Neon-Connection-String"].reveal()
    assert text == (
        f"postgresql://a%40b:p%2F%3A@{NEON}.us-east-2.aws.neon.tech/d%20e"
        "?sslmode=require&options=neon_timestamp%3A1&application_name=a%20b"
    )


def test_it_shows_nothing_and_cannot_be_changed() -> None:
    found = serverless(secured(f"postgresql://app:{MARKER}@{NEON}.us-east-2.aws.neon.tech/d"))
    assert find(MARKER, value_surfaces(found) | value_surfaces(found.headers)) == {}
    with pytest.raises(TypeError):
        found.headers["Neon-Connection-String"] = envconn.Secret("")  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "jwt", "message"),
    [
        ("postgresql://app:{p}@db.example.com/d", None, "the unknown provider has no address for it"),
        ("postgresql://app:{p}@127.0.0.1/d", None, "no address for it"),
        (
            "postgresql://u:{p}@a-1.postgresql.a.osc-fr1.scalingo-dbs.com:30000/d",
            None,
            "Scalingo has no address",
        ),
        ("postgresql://app:{p}@br-a-1.us-east-2.aws.neon.tech/d", None, r"Neon \(time travel\) has no address"),
        ("mysql://app:{p}@aws.connect.psdb.cloud/d", None, "has no address"),
        ("postgresql://app@ep-a-1.us-east-2.aws.neon.tech/d", None, "has no password"),
        ("postgresql://a.b:{p}@aws-us-east-1-3.pg.psdb.cloud/d", MARKER, "does not support a JWT"),
        (
            "postgresql://app:{p}@ep-a-1.us-east-2.aws.neon.tech,ep-a-2.us-east-2.aws.neon.tech/d",
            None,
            "several hosts",
        ),
    ],
)
def test_providers_without_an_endpoint_for_queries(text: str, jwt: str | None, message: str) -> None:
    connection = secured(text.replace("{p}", MARKER))
    with pytest.raises(envconn.EndpointUnavailable, match=message) as caught:
        serverless(connection, jwt=envconn.Secret(jwt) if jwt else None)
    assert find(MARKER, failure_surfaces(caught.value)) == {}
    with pytest.raises(envconn.EndpointUnavailable, match="SQL over HTTPS"):
        serverless(connection, jwt=envconn.Secret("x") if jwt else None)


def test_every_record_that_has_one_can_be_queried() -> None:
    from envconn.providers import all_providers

    found = {record.name for record in all_providers() if record.serverless}
    assert found == {"neon", "planetscale"}
    for record in all_providers():
        if record.serverless:
            assert record.serverless.http.startswith("https://")
            assert record.serverless.websocket.startswith("wss://")

"""What hosts, ports, user names and variables give away; the look-alikes are the longer half."""

from __future__ import annotations

import pytest

from envconn.connection import Connection, Host, Origin
from envconn.providers import Endpoint, identify

NEON = "ep-cool-darkness-123456"


def seen(host: str, port: int = 5432, user: str = "u", variable: str = "URL", *via: str) -> Endpoint:
    origin = Origin(variable, via=via)
    return identify(Connection("postgresql", "", (Host(host, port),), user, "d", origin=origin))


@pytest.mark.parametrize(
    ("host", "port", "user", "facts"),
    [
        (
            f"{NEON}.eu-central-1.aws.neon.tech",
            5432,
            "app",
            {
                "provider": "neon",
                "pooled": False,
                "pool_mode": None,
                "replica": None,
                "branch": None,
                "role": "app",
                "region": "aws-eu-central-1",
            },
        ),
        (
            f"{NEON}-pooler.c-2.us-east-2.aws.neon.tech",
            5432,
            "app",
            {
                "provider": "neon",
                "pooled": True,
                "pool_mode": "transaction",
                "region": "aws-us-east-2",
            },
        ),
        (f"{NEON}.westus3.azure.neon.tech", 5432, "app", {"region": "azure-westus3"}),
        (f"{NEON}.neon.build", 5432, "app", {"provider": "neon", "region": None}),
        ("br-dawn-1234.eu-central-1.aws.neon.tech", 5432, "app", {"branch": "br-dawn-1234"}),
        (
            "abcdefghij-useast1-1.horizon.psdb.cloud",
            5432,
            "pscale_api_x.branch1",
            {
                "provider": "planetscale",
                "pooled": False,
                "pool_mode": None,
                "replica": False,
                "role": "pscale_api_x",
                "branch": "branch1",
                "region": "useast1",
            },
        ),
        (
            "aws-us-east-1-2.pg.psdb.cloud",
            6432,
            "pscale_api_x.branch1",
            {
                "pooled": True,
                "pool_mode": "transaction",
                "region": "aws-us-east-1",
            },
        ),
        ("us-east-2.pg.psdb.cloud", 5432, "postgres.b1|replica", {"replica": True, "branch": "b1", "role": "postgres"}),
        ("us-east-2.pg.psdb.cloud", 6432, "postgres.b1|replica", {"replica": None, "pooled": True}),
        ("us-east-2.pg.psdb.cloud", 5432, "postgres.b1|other", {"replica": None}),
        ("us-east-2.pg.psdb.cloud", 5433, "postgres", {"pooled": None, "role": "postgres", "branch": None}),
        ("x.aws-eu-west-1-1.private-pg.psdb.cloud", 5432, "u.b", {"region": "aws-eu-west-1"}),
        ("some-name.private-pg.psdb.cloud", 5432, "u.b", {"provider": "planetscale", "region": None}),
        (
            "my-db-1.postgresql.a.osc-fr1.scalingo-dbs.com",
            31000,
            "app",
            {
                "provider": "scalingo",
                "pooled": False,
                "replica": False,
                "region": "osc-fr1",
                "role": "app",
            },
        ),
        ("my-db-1.peering.postgresql.osc-secnum-fr1.scalingo-dbs.com", 1, "app", {"region": "osc-secnum-fr1"}),
        ("my-db-1.postgresql.dbs.scalingo.com", 31000, "app", {"provider": "scalingo", "region": None}),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and "|" not in value else "",
)
def test_recognised(host: str, port: int, user: str, facts: dict[str, object]) -> None:
    endpoint = seen(host, port, user)
    assert endpoint.provider
    assert endpoint.provider.certificates
    known = {"provider": endpoint.provider.name}
    assert {name: known.get(name) or getattr(endpoint, name) for name in facts} == facts


@pytest.mark.parametrize(
    "host",
    [
        "db.example",
        "neon.tech",
        "psdb.cloud",
        "www.neon.tech",
        "console.neon.tech",
        f"{NEON}.aws.neon.tech.evil.example",
        f"{NEON}.eu-central-1.aws.neon.tech.",
        f"{NEON}.eu-central-1.aws.neon.techx",
        f"{NEON}.eu-central-1.aws.xneon.tech",
        f"{NEON}.eu-central-1.ibm.neon.tech",
        f"EP-{NEON}.eu-central-1.aws.neon.tech",
        f"{NEON}.eu-central-1.aws.NEON.tech",
        "short-useast1-1.horizon.psdb.cloud",
        "us-east.connect.psdb.cloud",
        "psdb.cloud.evil.example",
        "my-db.mysql.a.osc-fr1.scalingo-dbs.com",
        "my-db.postgresql.scalingo.com",
        "scalingo-dbs.com",
        "/run/neon.tech",
        "10.0.0.1",
    ],
)
def test_look_alikes(host: str) -> None:
    """A host that is not exactly one of the provider's proves nothing."""
    assert seen(host) == Endpoint(role="u")


@pytest.mark.parametrize(
    ("variable", "via", "provider"),
    [
        ("SCALINGO_POSTGRESQL_URL", (), "scalingo"),
        ("DATABASE_URL", ("SCALINGO_POSTGRESQL_URL",), "scalingo"),
        ("DATABASE_URL", ("A", "SCALINGO_POSTGRESQL_URL", "B"), "scalingo"),
        ("POSTGRES_URL", (), "local"),
        ("DATABASE_URL", ("POSTGRES_URL",), "local"),
        ("DATABASE_URL", (), "local"),
        ("SCALINGO_REDIS_URL", (), "scalingo"),
        ("MY_SCALINGO_POSTGRESQL_URL", (), "local"),
    ],
)
def test_variable_tells_the_provider_where_a_tunnel_hides_the_host(
    variable: str, via: tuple[str, ...], provider: str
) -> None:
    """Names that several providers use (POSTGRES_URL) tell nothing."""
    endpoint = seen("127.0.0.1", 10000, "u", variable, *via)
    assert endpoint.provider
    assert endpoint.provider.name == provider

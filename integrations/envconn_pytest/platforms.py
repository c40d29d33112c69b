"""The environments of platforms: one for each provider with a record, and one with bound services of any provider.

Addresses that can be derived from another endpoint's are left to the records (`envconn.providers`); only the others
are listed here.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from urllib.parse import urlsplit

import envconn
from envconn.records import Record
from envconn.tls.uri_writer import authority, userinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn import SecuredConnection


_NOTHING: Mapping[str, str] = MappingProxyType({})


class Platform(Record):
    """Variables as a platform sets them; and what a pooler or a replica adds."""

    environ: Mapping[str, str]
    pooled: Mapping[str, str] = _NOTHING
    replica: Mapping[str, str] = _NOTHING


def _at(address: str, query: str = "", *, user: str = "shop", scheme: str = "postgresql") -> str:
    return f"{scheme}://{user}:FAKE_password@{address}{query and '?'}{query}"


def _bound(label: str, uri: str) -> str:
    binding = {"name": "shop_database", "label": label, "tags": [label], "credentials": {"uri": uri}}
    return json.dumps({label: [binding]})


_REQUIRE = "sslmode=require"
_FULL = "sslmode=verify-full&sslrootcert=system"
_POOL, _REPLICA = "DATABASE_CONNECTION_POOL_URL", "DATABASE_REPLICA_URL"

_HEROKU = _at("ec2-192-0-2-10.compute-1.amazonaws.com:5432/d0fake1database", user="u0fake1user", scheme="postgres")
_RAILWAY = _at("postgres.railway.internal:5432/railway", user="postgres")
_AURORA = "c0fake1place.eu-west-1.rds.amazonaws.com:5432/shop"

PLATFORMS: Mapping[str, Platform] = {
    "aiven": Platform(
        {"DATABASE_URL": _at("shop-fake.a.aivencloud.com:12345/defaultdb", _REQUIRE, user="avnadmin")},
        pooled={_POOL: _at("shop-fake.a.aivencloud.com:12346/shop-pool", _REQUIRE, user="avnadmin")},
    ),
    "aws-elasticache": Platform(
        {"REDIS_URL": _at("master.shop.fake01.euw1.cache.amazonaws.com:6379/0", user="", scheme="rediss")}
    ),
    "aws-rds": Platform(
        {"DATABASE_URL": _at(f"shop.cluster-{_AURORA}", _REQUIRE)},
        pooled={_POOL: _at(f"shop.proxy-{_AURORA}", _REQUIRE)},
    ),
    "azure": Platform(
        {"DATABASE_URL": _at("shop-fake.postgres.database.azure.com:5432/shop", _REQUIRE)},
        replica={_REPLICA: _at("shop-fake.reader.postgres.database.azure.com:5432/shop", _REQUIRE)},
    ),
    "azure-redis": Platform({"REDIS_URL": _at("shop-fake.redis.cache.windows.net:6380/0", user="", scheme="rediss")}),
    "clever-cloud": Platform(
        {"POSTGRESQL_ADDON_URI": _at("b0fake1shop-postgresql.services.clever-cloud.com:5432/b0fake1shop")}
    ),
    "cloud-foundry": Platform(
        {"VCAP_SERVICES": _bound("postgresql", _at("db.example.com:5432/shop", scheme="postgres"))}
    ),
    "cloudamqp": Platform({"CLOUDAMQP_URL": _at("fake-host-01.rmq.cloudamqp.com/shop", scheme="amqps")}),
    "cockroachdb": Platform(
        {"DATABASE_URL": _at("fake-mule-0001.abc.gcp-europe-west1.cockroachlabs.cloud:26257/shop", _FULL)}
    ),
    "crunchy-bridge": Platform(
        {"DATABASE_URL": _at("p.fake0cluster1.db.postgresbridge.com:5432/shop", _REQUIRE, user="application")}
    ),
    "databricks-lakebase": Platform(
        {
            "DATABASE_URL": _at(
                "ep-fake-cherry-a1b2c3d4.database.eu-west-1.cloud.databricks.com/databricks_postgres",
                _REQUIRE,
                user="shop%40example.com",
            )
        }
    ),
    "digitalocean": Platform(
        {"DATABASE_URL": _at("shop-do-user-1234567-0.m.db.ondigitalocean.com:25060/shop", _REQUIRE, user="doadmin")},
        pooled={_POOL: _at("shop-do-user-1234567-0.m.db.ondigitalocean.com:25061/shop-pool", _REQUIRE, user="doadmin")},
    ),
    "fly-legacy": Platform(
        {
            "DATABASE_URL": _at("shop-fake-db.flycast:5432/shop", "sslmode=disable", scheme="postgres"),
            "ENVCONN_TLS_WAIVE": "*.flycast *.internal",  # its private network has no TLS
        }
    ),
    "fly-mpg": Platform({"DATABASE_URL": _at("direct.fake0cluster1.flympg.net/fly-db", user="fly_user")}),
    "gcp-cloudsql": Platform({"DATABASE_URL": _at("/shop", "host=/cloudsql/fake-project:europe-west1:shop")}),
    "heroku": Platform(
        {"DATABASE_URL": _HEROKU, "HEROKU_POSTGRESQL_AMBER_URL": _HEROKU},
        pooled={_POOL: _HEROKU.replace(":5432", ":5433")},
        replica={_REPLICA: _HEROKU.replace("192-0-2-10", "192-0-2-11")},
    ),
    "local": Platform({"DATABASE_URL": _at("localhost:5432/shop")}),
    "neon": Platform(
        {"DATABASE_URL": _at("ep-fake-darkness-a1b2c3d4.eu-central-1.aws.neon.tech/shop", _REQUIRE)},
        replica={_REPLICA: _at("ep-fake-meadow-e5f6a7b8.eu-central-1.aws.neon.tech/shop", _REQUIRE)},
    ),
    "planetscale": Platform(
        {
            "DATABASE_URL": _at(
                "fakehost0001-useast1-1.horizon.psdb.cloud:5432/postgres", _FULL, user="shop.fakebranch01"
            )
        }
    ),
    "planetscale-vitess": Platform(
        {"DATABASE_URL": _at("eu-west.connect.psdb.cloud/shop", "sslaccept=strict", scheme="mysql")}
    ),
    "prisma-postgres": Platform({"DATABASE_URL": _at("db.prisma.io:5432/postgres", _REQUIRE, scheme="postgres")}),
    "railway": Platform(
        {
            "DATABASE_URL": _RAILWAY,
            "DATABASE_PUBLIC_URL": _at("shuttle.proxy.rlwy.net:12345/railway", user="postgres"),
        },
        pooled={
            "DATABASE_URL": _RAILWAY.replace("@postgres", "@pgbouncer"),
            "DATABASE_UNPOOLED_URL": _RAILWAY,
            "ENVCONN_POOL_MODE": "transaction",  # its address does not show it
        },
        replica={_REPLICA: _RAILWAY.replace("@postgres", "@postgres-replica")},
    ),
    "render": Platform(
        {"DATABASE_URL": _at("dpg-fake0id1-a.frankfurt-postgres.render.com/shop")},
        replica={_REPLICA: _at("dpg-fake0id2-a.frankfurt-postgres.render.com/shop")},
    ),
    "scalingo": Platform(
        {
            "SCALINGO_POSTGRESQL_URL": _at(
                "shop-1234.postgresql.a.osc-fr1.scalingo-dbs.com:30000/shop_1234",
                "sslmode=prefer",
                user="shop_1234",
                scheme="postgres",
            ),
            "DATABASE_URL": "$SCALINGO_POSTGRESQL_URL",
        }
    ),
    "supabase": Platform(
        {
            "DATABASE_URL": _at(
                "aws-0-eu-central-1.pooler.supabase.com:6543/postgres", user="postgres.fakefakefakefakefake"
            )
        }
    ),
    "tiger-cloud": Platform(
        {"TIMESCALE_SERVICE_URL": _at("fake0shop1.fake0proj1.tsdb.cloud.timescale.com:12345/tsdb", _REQUIRE)},
        pooled={_POOL: _at("fake0shop1.fake0proj1.tsdb.cloud.timescale.com:12346/tsdb", _REQUIRE)},
    ),
    "upstash": Platform({"UPSTASH_REDIS_URL": _at("fake-shop-12345.upstash.io:6379", user="default", scheme="rediss")}),
    "upsun": Platform(
        {
            "POSTGRESQL_HOST": "postgresql.internal",
            "POSTGRESQL_PORT": "5432",
            "POSTGRESQL_PATH": "main",
            "POSTGRESQL_USERNAME": "main",
            "POSTGRESQL_PASSWORD": "FAKE_password",
        }
    ),
    "vercel-postgres": Platform(
        {
            "POSTGRES_URL": _at(
                "ep-fake-darkness-a1b2c3d4-pooler.eu-central-1.postgres.vercel-storage.com/verceldb",
                _REQUIRE,
                user="default",
                scheme="postgres",
            )
        }
    ),
    "xata-lite": Platform({"DATABASE_URL": _at("eu-central-1.sql.xata.sh:5432/shop:fake-branch", _REQUIRE)}),
    "yugabytedb": Platform(
        {"DATABASE_URL": _at("eu-west-1.00000000-0000-4000-8000-00000000fa4e.aws.ybdb.io:5433/yugabyte", _REQUIRE)}
    ),
}


_REPLICA_SAMPLE = "DATABASE_REPLICA_URL"


def providers() -> tuple[str, ...]:
    """Return the names that `sample` accepts.

    They are those of ``connection.provider``, and ``cloud-foundry``, whose services can be any provider's.
    """
    return tuple(sorted(PLATFORMS))


def sample(provider: str, *, pooled: bool | None = None, replica: bool | None = None) -> dict[str, str]:
    """Return the variables that `provider` sets, or tells users to set, with credentials that are not valid anywhere.

    ``envconn.load(environ, env_file=None)`` accepts them, and its ``connection(pooled=pooled)`` and
    ``connection(replica=replica)`` are the requested endpoints: in the usual variable if that may hold either, in
    a separate one if the platform has one. `None` means the platform's default.

    Raises:
        EndpointUnavailable: the provider has no such endpoint; the text says what it has instead.
        ValueError: there is no sample of that name.
    """
    if provider not in PLATFORMS:
        raise ValueError("unknown sample. Use a name that envconn_pytest.providers() returns")
    platform = PLATFORMS[provider]
    environ = dict(platform.environ)
    for is_requested, variables in ((pooled, platform.pooled), (replica, platform.replica)):
        environ |= variables if is_requested else {}
    service = next(iter(envconn.load(environ, env_file=None).values()))
    holder = (service.origin.variable, *service.origin.via)[-1]
    for variable, endpoint in (
        (_REPLICA_SAMPLE, service.endpoint(replica=replica)),
        (holder, service.endpoint(pooled=pooled)),
    ):
        if endpoint not in (service, *service.siblings):
            environ[variable] = _leading_to(endpoint, environ[holder])
    return environ


def _leading_to(endpoint: SecuredConnection, text: str) -> str:
    """Return the URL `text` with the address of `endpoint`, which a provider's rule has derived from it."""
    return urlsplit(text)._replace(netloc=userinfo(endpoint) + authority(endpoint.hosts[0])).geturl()

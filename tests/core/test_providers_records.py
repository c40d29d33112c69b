"""The records of hosting providers: well-formed, reachable, and not to be imitated."""

from __future__ import annotations

import os
import re
import ssl
import time
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from envconn.connection import Connection, Host, Origin, Secret
from envconn.grammar import read
from envconn.providers import Provider, ProviderHints, Rewrite, all_providers, identify, provider_named
from envconn.providers.recognition import ROOTS, _keys
from envconn.providers.rewrites import derive_sibling
from envconn.providers.table import TABLE, VARIABLES, records

if TYPE_CHECKING:
    from collections.abc import Iterator

# Title of a record: sample hosts, of which every pattern and every key must get one.
SAMPLES = {
    "Scalingo": (
        "my-app-1234.postgresql.a.osc-fr1.scalingo-dbs.com",
        "mydb-1234.peering.postgresql.osc-secnum-fr1.scalingo-dbs.com",
        "my-app-1234.postgresql.dbs.scalingo.com",
    ),
    "Scalingo for Caching": ("my-app-3030.redis.a.osc-fr1.scalingo-dbs.com", "my-app-3030.redis.dbs.scalingo.com"),
    "PlanetScale Postgres": (
        "abcdefghij-useast1-1.horizon.psdb.cloud",
        "aws-us-east-1-3.pg.psdb.cloud",
        "planetscale-main.gcp-us-central1-1.private-pg.psdb.cloud",
        "abcdefghij.private-pg.psdb.cloud",
    ),
    "Neon": ("ep-cool-darkness-a1b2c3d4-pooler.c-2.us-east-2.aws.neon.tech", "ep-xxx.neon.build"),
    "Neon (time travel)": ("br-wispy-meadow-118737.us-east-2.aws.neon.tech", "br-wispy-meadow-118737.neon.build"),
    "Databricks Lakebase": ("ep-rapid-cherry-y12fhu7x.database.us-west-2.cloud.databricks.com",),
    "Vercel Postgres": ("ep-cool-darkness-123456-pooler.us-east-1.postgres.vercel-storage.com",),
    "PlanetScale Vitess": ("aws.connect.psdb.cloud", "us-east.private-connect.psdb.cloud"),
    "Aiven for PostgreSQL": ("my-pg-myproject.a.aivencloud.com", "replica-my-pg-myproject.aivencloud.com"),
    "Aiven for Valkey": ("my-cache-myproject.aivencloud.com",),
    "Amazon RDS": (
        "mydb.c1abcdefghij.eu-west-1.rds.amazonaws.com",
        "mydb.c1abcdefghij.cn-north-1.rds.amazonaws.com.cn",
        "few.cluster-custom-c1abcdefghij.eu-west-1.rds.amazonaws.com",
    ),
    "Amazon Aurora cluster endpoints": (
        "mydb.cluster-c1abcdefghij.eu-west-1.rds.amazonaws.com",
        "mydb.cluster-ro-c1abcdefghij.cn-north-1.rds.amazonaws.com.cn",
    ),
    "Amazon RDS Proxy": (
        "front.proxy-c1abcdefghij.eu-west-1.rds.amazonaws.com",
        "reading.endpoint.proxy-c1abcdefghij.cn-north-1.rds.amazonaws.com.cn",
    ),
    "Amazon ElastiCache": (
        "master.my-cache.abc123.euw1.cache.amazonaws.com",
        "my-cache-abc123.serverless.euw1.cache.amazonaws.com",
        "my-cache-abc123.public.serverless.use1.cache.amazonaws.com",
    ),
    "Azure Database for PostgreSQL": (
        "my-pg-server.postgres.database.azure.com",
        "my-pg-server.private.postgres.database.azure.com",
        "my-pg.reader.postgres.database.azure.com",
    ),
    "Azure Cache for Redis": ("my-cache.redis.cache.windows.net",),
    "Clever Cloud": ("bq3xyzabcdefghijklmn-postgresql.services.clever-cloud.com",),
    "CloudAMQP": ("fake-host-01.rmq.cloudamqp.com", "fake-host-01.rmq2.cloudamqp.com"),
    "CockroachDB Cloud": (
        "fake-mule-0001.abc.gcp-asia-southeast1.cockroachlabs.cloud",
        "fake-mule-0001.abc.cockroachlabs.cloud",
        "free-tier14.aws-us-east-1.cockroachlabs.cloud",
    ),
    "Crunchy Bridge": ("p.abcdefghijklmnopqrstuvwxyz.db.postgresbridge.com",),
    "DigitalOcean Managed PostgreSQL": (
        "my-pg-do-user-1234567-0.b.db.ondigitalocean.com",
        "private-my-pg-do-user-1234567-0.db.ondigitalocean.com",
        "replica-my-pg-do-user-1234567-0.b.db.ondigitalocean.com",
    ),
    "DigitalOcean Managed Valkey": ("mycache-do-user-1234567-0.m.db.ondigitalocean.com",),
    "Fly.io Managed Postgres": ("pgbouncer.abc123xyz.flympg.net", "direct.abc123xyz.flympg.net"),
    "Fly.io Postgres (unmanaged)": ("my-app-db.flycast", "top2.nearest.of.my-app-db.internal"),
    "Fly.io Postgres (one member)": ("my-app-db.flycast", "top1.nearest.of.my-app-db.internal"),
    "Fly.io Postgres (unmanaged, from outside)": ("my-app-db.fly.dev",),
    "Google Cloud SQL": (
        "/cloudsql/my-project:europe-west1:my-instance",
        "/cloudsql/example.com:my-project:europe-west1:my-instance",
    ),
    "Heroku Postgres": ("ec2-1-2-3-4.compute-1.amazonaws.com", "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com"),
    "Heroku Postgres connection pooling": (
        "ec2-1-2-3-4.compute-1.amazonaws.com",
        "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
    ),
    "Heroku Key-Value Store": ("ec2-1-2-3-4.compute-1.amazonaws.com", "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com"),
    "this machine": ("localhost", "127.0.0.1", "::1"),
    "Prisma Postgres": ("db.prisma.io", "pooled.db.prisma.io"),
    "Railway": ("postgres.railway.internal", "shuttle.proxy.rlwy.net"),
    "Railway Redis": ("redis.railway.internal", "shuttle.proxy.rlwy.net"),
    "Render Postgres": ("dpg-abc123def456ghi789-a.frankfurt-postgres.render.com",),
    "Render Postgres (internal)": ("dpg-abc123def456ghi789-a",),
    "Render Key Value": ("oregon-keyvalue.render.com",),
    "Render Key Value (internal)": ("red-abc123",),
    "Supabase": ("db.abcdefghijklmnopqrst.supabase.co",),
    "Supabase shared pooler": ("aws-0-eu-central-1.pooler.supabase.com",),
    "Tiger Cloud": (
        "abc123defg.hij456klmn.tsdb.cloud.timescale.com",
        "abc123defg.hij456klmn.tsdb.forge.timescale.com",
        "my-service-myproject.a.timescaledb.io",
    ),
    "Upstash Redis": ("eu1-nice-heron-12345.upstash.io",),
    "Upstash Redis on Fly.io": ("fly-my-app-redis.upstash.io",),
    "Upsun": ("postgresql.internal",),
    "Xata Lite": ("us-east-1.sql.xata.sh",),
    "YugabyteDB Aeon": (
        "us-west-2.00000000-0000-4000-8000-000000000000.aws.ybdb.io",
        "00000000-0000-4000-8000-000000000000.gcp.ybdb.io",
    ),
}

# Title: port, user and database, where a host alone is no evidence.
ASKED = {
    "Fly.io Postgres (one member)": (5433, "app", "app"),
    "Heroku Postgres": (5432, "u1abcdefgh", "d1abcdefgh"),
    "Heroku Postgres connection pooling": (5433, "u1abcdefgh", "d1abcdefgh"),
    "Heroku Key-Value Store": (6380, "", ""),
    "Upsun": (5432, "main", "main"),
}

EVERY = [pytest.param(record, id=record.title) for record in all_providers()]
KEYS = {record.title: line.keys for module, line in TABLE.items() for record in records(module)}


def connection_to(record: Provider, host: str, variable: str = "DATABASE_URL") -> Connection:
    port, user, dbname = ASKED.get(record.title, (5432, "app", "app"))
    return Connection(
        record.families[0], record.families[0], (Host(host, port),), user, dbname, origin=Origin(variable)
    )


def test_every_record_has_a_title_of_its_own_and_samples() -> None:
    assert sorted(record.title for record in all_providers()) == sorted(SAMPLES)


@pytest.mark.parametrize("record", EVERY)
def test_record_is_complete(record: Provider) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", record.name)
    assert record.source
    assert date.fromisoformat(record.checked) >= date(2026, 8, 21)
    patterns = [*record.hosts, record.users, record.databases]
    rules = [rule for rule in record.siblings.values() if isinstance(rule, Rewrite)]
    patterns += [pair[0] for rule in rules for pair in (rule.host, rule.user, rule.address) if pair]
    for pattern in patterns:
        re.compile(pattern)
    groups = {group for pattern in patterns for group in re.compile(pattern).groupindex}
    assert groups <= {"mode", "branch", "region", "cloud", "replica", "role", "target"}
    assert {*record.ports.values(), *record.modes.values()} <= {"direct", "session", "transaction", "statement"}
    assert record.siblings.keys() <= {"direct", "pooled", "replica", "primary"}
    assert set(record.families) <= {"postgresql", "redis", "amqp", "mysql"}


@pytest.mark.parametrize("record", EVERY)
def test_pattern_is_anchored_and_keeps_to_literal_dots(record: Provider) -> None:
    # `fullmatch` anchors; a dot that is not escaped would match any character in its place.
    for pattern in record.hosts:
        assert not re.search(r"(?<!\\)\.(?![*+])", re.sub(r"\[[^]]*\]", "", pattern)), pattern
        assert r"\d" not in pattern or not re.compile(pattern, re.ASCII).fullmatch("\N{ARABIC-INDIC DIGIT ONE}")


@pytest.mark.parametrize("record", EVERY)
def test_every_key_and_pattern_is_reached(record: Provider) -> None:
    samples = SAMPLES[record.title]
    for host in samples:
        assert identify(connection_to(record, host)).provider is record, host
    assert [pattern for pattern in record.hosts if not any(re.fullmatch(pattern, host) for host in samples)] == []


@pytest.mark.parametrize("module", TABLE)
def test_line_of_the_table_says_what_its_file_needs(module: str) -> None:
    samples = [host for record in records(module) for host in SAMPLES[record.title]]
    assert [key for key in TABLE[module].keys if not any(key in _keys(host) for host in samples)] == []
    roles = {variable.role for variable in TABLE[module].variables}
    assert roles <= {"default", "pooled", "direct", "replica", "private", "public"}
    kinds = {kind for record in records(module) for kind in record.families}
    assert {variable.family for variable in TABLE[module].variables} <= kinds
    names = {record.name for record in records(module)}
    assert {variable.proves for variable in TABLE[module].variables} <= {*names, ""}


def test_no_two_records_claim_the_same_and_no_variable_stands_twice() -> None:
    claims = Counter(
        (record.name, kind, host, record.on_ports)
        for record in all_providers()
        for kind in record.families
        for host in record.hosts
    )
    names = Counter(variable.name for variable in VARIABLES)
    assert [claim for claim, count in (claims + names).items() if count > 1] == []


def test_the_first_record_of_a_name_is_the_main_one() -> None:
    # It is what ENVCONN_PROVIDER means behind a host that says nothing.
    titles = {record.title for record in all_providers() if record is provider_named(record.name)}
    assert {"Amazon RDS", "Fly.io Postgres (unmanaged)", "Heroku Postgres", "Neon", "Scalingo", "Supabase"} <= titles
    assert provider_named("scalingo", "redis") in all_providers()
    assert provider_named("scalingo", "redis") is not provider_named("scalingo", "postgresql")
    assert provider_named("scalingo", "amqp") is provider_named("scalingo")
    assert provider_named("nobody") is None


def imitations(record: Provider, host: str) -> Iterator[str]:
    """Names that any user can own, or that do not exist, made from a real one."""
    yield from (f"{host}.evil.example", f"{host}.evil", f"{host}.co", f"{host}.", f"{host}..", f".{host}", f" {host}")
    yield from (f"{host}\n", f"{host}\0", f"evil.example/{host}", f"{host}/../evil", f"evil.example#{host}", f"{host}%")
    yield from (f"evil@{host}", f"{host}@evil.example", f"{host}:5432", f"[{host}]", f"{host}_evil")
    yield host.upper()
    yield host.replace(".", "\N{IDEOGRAPHIC FULL STOP}")
    # Cyrillic a, s, e, o, r, i; a digit of another script; a fraction's slash; full width; a long s.
    for letter, other in zip("aceopi1/s", "\u0430\u0441\u0435\u043e\u0440\u0456\u0661\u2044\u017f", strict=True):
        yield host.replace(letter, other)
    yield "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in host)
    for key in KEYS[record.title]:
        yield from (key, f"evil{key}", f"evil-{key}", f".{key}", f"{key}.evil.example", f"a.b.c.d.{key}", f"{key}/evil")


@pytest.mark.parametrize("record", EVERY)
def test_imitation_is_not_taken_for_the_provider(record: Provider) -> None:
    samples = SAMPLES[record.title]
    made = {host for sample in samples for host in imitations(record, sample)}.difference(samples)
    assert [host for host in sorted(made) if identify(connection_to(record, host)).provider is not None] == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@x.neon.tech.evil.example/db",
        "postgresql://u:p@neon.tech/db",
        "postgresql://u:p@evilneon.tech/db",
        "postgresql://u:p@ep-x.neon.tech./db",
        "postgresql://u:p@EP-X.NEON.TECH/db",
        "postgresql://u:p@ep-x.n\N{CYRILLIC SMALL LETTER IE}on.tech/db",
        "postgresql://u:p@ep-x.xn--non-hdd.tech/db",
        "postgresql://u:p@ep-x.aws.neon.tech.co/db",
        "postgresql://u:p@ep-x.neon.tech%2Eevil.example/db",
        "postgresql://u:p@ep-x.neon.tech%0A/db",
        "postgresql://ep-x.neon.tech:p@evil.example/db",
        "postgresql://u:ep-x.neon.tech@evil.example/db",
        "postgresql://u%40ep-x.neon.tech:p@evil.example/db",
        "postgresql://u:p@evil.example/ep-x.neon.tech",
        "postgresql://u:p@evil.example/db?application_name=ep-x.neon.tech",
        "postgresql://u:p@evil.example,ep-x.neon.tech/db",
        "postgresql://postgres.cnlmx96ec5kw:FAKE@psdb.cloud:6432/db",
        "postgresql://postgres.cnlmx96ec5kw:FAKE@10.0.0.5:6432/db",
        "postgresql://u:p@aws.connect.psdb.cloud/db",
        "postgresql://u:p@a.b.scalingo-dbs.com.example:31000/db",
        "postgresql://u:p@my-app.redis.a.osc-fr1.scalingo-dbs.com:31000/db",
        "postgresql://postgres.abcdefghijklmnopqrst:p@10.0.0.5:6543/postgres",
        "postgresql://me:p@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1abcdefgh",
        "postgresql://username:p@ec2-1-2-3-4.compute-1.amazonaws.com:5432/database",
        "postgresql://u1abcdefgh:p@ec2-1-2-3-4.compute-1.amazonaws.com:6543/d1abcdefgh",
        "postgresql://app:p@users.internal:5432/app",
        "postgresql://app:p@my-app-db.internal:5432/app",
        "postgresql://app:p@host.docker.internal:5432/app",
        "postgresql://main:p@host.docker.internal:5432/main",
        "postgresql://u:p@dpg-prod:5432/db",
        "postgresql://u:p@ep-x.pg.apirest.us-east-2.aws.neon.tech/db",
        "postgresql://u:p@console.neon.tech/db",
        "postgresql://u:p@/db?host=/cloudsql-evil/my-project:europe-west1:my-instance",
        "postgresql://u:p@/db?host=/cloudsql/my-project:europe-west1:my-instance/../../evil",
        "postgresql://u:p@/db?host=/tmp/cloudsql/my-project:europe-west1:my-instance",
        "postgresql://u:p@127.0.0.2:5432/db",
        "postgresql://u:p@localhost.evil.example:5432/db",
    ],
)
def test_a_look_alike_is_unknown_or_refused(url: str) -> None:
    connection = read(Secret(url), Origin("DATABASE_URL"))
    if isinstance(connection, Connection):
        endpoint = identify(connection)
        assert endpoint.provider is None
        assert (endpoint.pooled, endpoint.pool_mode, endpoint.replica, endpoint.branch) == (None, None, None, None)


@pytest.mark.parametrize(
    ("variable", "provider"),
    [
        ("DATABASE_URL", "local"),
        ("DATABASE_PUBLIC_URL", "local"),
        ("SCALINGO_POSTGRESQL_URL", "scalingo"),
        ("POSTGRESQL_ADDON_URI", "clever-cloud"),
        ("TIMESCALE_SERVICE_URL", "tiger-cloud"),
        ("AZURE_POSTGRESQL_CONNECTIONSTRING", "azure"),
    ],
)
def test_a_tunnel_belongs_to_the_provider_in_the_variable(variable: str, provider: str) -> None:
    connection = Connection("postgresql", "postgresql", (Host("127.0.0.1", 10000),), "u", "db", origin=Origin(variable))
    endpoint = identify(connection)
    assert endpoint.provider is not None
    assert endpoint.provider.name == provider
    stated = identify(connection, ProviderHints(provider="neon"))
    assert stated.provider is provider_named("neon")


def test_a_stated_provider_is_used_unless_the_host_contradicts() -> None:
    private = Connection("postgresql", "postgresql", (Host("db.example.com", 6432),), "u", "db")
    hints = ProviderHints(provider="azure")
    endpoint = identify(private, hints)
    assert (endpoint.provider, endpoint.pooled) == (provider_named("azure"), True)
    direct = derive_sibling(private, endpoint, pooled=False, replica=None, hints=hints)
    assert isinstance(direct, Connection)
    assert direct.hosts == (Host("db.example.com", 5432),)
    hidden = Connection("postgresql", "postgresql", (Host("db.example.com", 5432),), "u", "db")
    hints = ProviderHints(provider="neon")
    assert "cannot be derived" in str(
        derive_sibling(hidden, identify(hidden, hints), pooled=True, replica=None, hints=hints)
    )


@pytest.mark.parametrize(
    ("host", "family", "stated", "provider"),
    [
        ("ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech", "postgresql", "scalingo", "neon"),
        ("ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech", "postgresql", "neon", "neon"),
        ("abc-123.postgresql.osc-fr1.scalingo-dbs.com", "postgresql", "planetscale", "scalingo"),
        ("abc-123.redis.osc-fr1.scalingo-dbs.com", "redis", "heroku", "scalingo"),
        ("abc-123.redis.osc-fr1.scalingo-dbs.com", "redis", "railway", "scalingo"),
        ("monorail.proxy.rlwy.net", "redis", "heroku", "railway"),
        ("fake-host-01.rmq.cloudamqp.com", "amqp", "railway", "cloudamqp"),
        ("db.example.com", "postgresql", "neon", "neon"),
        ("db.example.com", "redis", "heroku", "heroku"),
        ("neon.tech.example.com", "postgresql", "scalingo", "scalingo"),
    ],
)
def test_a_host_comes_before_what_is_stated(host: str, family: str, stated: str, provider: str) -> None:
    connection = Connection(family, family, (Host(host, 5432),), "u", "db")
    endpoint = identify(connection, ProviderHints(stated, provider_from="ENVCONN_CACHE_PROVIDER (.env:3)"))
    assert endpoint.provider is not None
    assert endpoint.provider.name == provider
    evidence = " ".join(endpoint.because)
    assert ("ENVCONN_CACHE_PROVIDER (.env:3) does not apply" in evidence) == (stated != provider)
    assert ("ENVCONN_CACHE_PROVIDER (.env:3) states" in evidence) == ("example" in host)


@pytest.mark.parametrize("region", sorted(os.listdir(os.path.join(ROOTS, "aws-rds"))))
def test_each_region_of_rds_has_three_roots_of_its_own(region: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(os.path.join(ROOTS, "aws-rds", region))
    found: list[dict[str, Any]] = context.get_ca_certs()
    assert all(root["subject"] == root["issuer"] for root in found)
    names = {value for root in found for pairs in root["subject"] for kind, value in pairs if kind == "commonName"}
    kinds = ("RSA2048", "RSA4096", "ECC384")
    assert names == {f"Amazon RDS {region.removesuffix('.pem')} Root CA {kind} G1" for kind in kinds}
    assert all(ssl.cert_time_to_seconds(str(root["notAfter"])) > time.time() + 30 * 365 * 86400 for root in found)


def test_the_roots_of_rds_are_those_of_27_regions() -> None:
    assert len(os.listdir(os.path.join(ROOTS, "aws-rds"))) == 27

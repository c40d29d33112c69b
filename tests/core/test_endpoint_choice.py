"""``ENVCONN_ENDPOINT``: which endpoint of each database a process uses, and which one a program uses by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING

import pytest

import envconn
from envconn.migration_endpoint import direct_by_itself, unused
from envconn.report import sibling_name
from envconn.selection.variables import ENDPOINTS
from envconn.tls.secured import direct, stated_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envconn import SecuredConnection

PLAIN = "postgresql://app:marker@db.example.com/shop?sslmode=require"
OTHER = PLAIN.replace("db.", "other.")
COPY = PLAIN.replace("db.", "copy.")
NEON = "postgresql://app:marker@ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech/shop?sslmode=require"
PLANETSCALE = "postgresql://app.abc123:marker@us-east-1-2.pg.psdb.cloud:6432/shop?sslmode=require"
HEROKU = "postgres://u7abcdefgh1:marker@ec2-1-2-3-4.compute-1.amazonaws.com:5433/d7abcdefgh1?sslmode=require"
OCEAN = "postgresql://doadmin:marker@db-1-do-user-1-0.b.db.ondigitalocean.com:25061/pool?sslmode=require"
SUPABASE = "postgresql://postgres.abcdefghijklmnopqrst:marker@aws-0-eu-west-1.pooler.supabase.com:6543/postgres"
DEDICATED = "postgresql://postgres:marker@db.abcdefghijklmnopqrst.supabase.co:6543/postgres"
FLY = "postgresql://fly_user:marker@pgbouncer.fake0cluster1.flympg.net/fly-db?sslmode=require"
COOL = "ep-cool-darkness-123456"
UNPOOLED = NEON.replace("-pooler", "")
OF_SESSION = (
    *("currentSchema=tenant", "schema=tenant", "options=-csearch_path%3Dtenant", "options=-c%20role%3Downer"),
    "options=endpoint%3Dep-cool-darkness-123456%20-csearch_path%3Dtenant",
)
SESSION = SUPABASE.replace("6543", "5432")
LIKELY = PLAIN.replace("db.", "pgbouncer.")
RAILWAY = "postgresql://app:marker@pg.railway.internal:6432/shop?sslmode=require"
REPLICA = PLANETSCALE.replace("app.abc123", "app.abc123%7Creplica").replace("6432", "5432")


def load(word: str, **environ: str) -> envconn.Services:
    return envconn.load({**environ, **({"ENVCONN_ENDPOINT": word} if word else {})}, env_file=None)


def hosts(services: Mapping[str, SecuredConnection]) -> dict[str, str]:
    return {name: f"{each.host.partition('.')[0]}:{each.port}" for name, each in services.items()}


@pytest.mark.parametrize(
    ("word", "environ", "host"),
    [
        ("", {"DATABASE_URL": NEON}, "ep-cool-darkness-123456-pooler:5432"),
        ("", {"DATABASE_URL": PLAIN, "DIRECT_URL": OTHER}, "db:5432"),
        ("direct", {"DATABASE_URL": NEON}, "ep-cool-darkness-123456:5432"),
        ("direct", {"DATABASE_URL": NEON, "DIRECT_URL": OTHER}, "other:5432"),
        ("direct", {"DATABASE_URL": PLAIN, "DIRECT_URL": OTHER}, "other:5432"),
        ("direct", {"DATABASE_URL": PLAIN, "DIRECT_URL": OTHER, "ENVCONN_POOL_MODE": "none"}, "db:5432"),
        ("direct", {"DATABASE_URL": PLAIN}, "db:5432"),
        ("direct", {"DATABASE_URL": SUPABASE}, "db:5432"),
        ("direct", {"DATABASE_URL": SUPABASE, "DIRECT_URL": SESSION}, "aws-0-eu-west-1:5432"),
        ("direct", {"DATABASE_URL": PLAIN, "POSTGRES_URL_NON_POOLING": SESSION}, "aws-0-eu-west-1:5432"),
        ("direct", {"DIRECT_URL": SESSION}, "aws-0-eu-west-1:5432"),
        ("pooled", {"DATABASE_URL": SUPABASE, "DIRECT_URL": SESSION}, "aws-0-eu-west-1:6543"),
        ("pooled", {"DIRECT_URL": SESSION}, "aws-0-eu-west-1:5432"),
        ("direct", {"DATABASE_URL": SUPABASE, "DIRECT_URL": SUPABASE.replace("0-eu", "1-eu")}, "db:5432"),
        ("direct", {"DATABASE_URL": LIKELY, "ENVCONN_POOL_MODE": "none"}, "pgbouncer:5432"),
        ("direct", {"DATABASE_URL": LIKELY, "DIRECT_URL": OTHER.replace("com/", "com:6432/")}, "other:6432"),
        ("direct", {"DATABASE_URL": RAILWAY, "DATABASE_UNPOOLED_URL": RAILWAY.replace("6432", "5432")}, "pg:5432"),
        ("direct", {"DATABASE_URL": FLY}, "direct:5432"),
        ("direct", {"DATABASE_URL": OCEAN, "DIRECT_URL": OTHER}, "other:5432"),
        ("pooled", {"DATABASE_URL": NEON.replace("-pooler", "")}, "ep-cool-darkness-123456-pooler:5432"),
        ("pooled", {"DATABASE_URL": NEON}, "ep-cool-darkness-123456-pooler:5432"),
        ("pooled", {"DATABASE_URL": f"{UNPOOLED}&options=endpoint%3Dep-cool-darkness-123456"}, f"{COOL}-pooler:5432"),
        ("pooled", {"DATABASE_URL": f"{UNPOOLED}&options=neon_proxy_params:a"}, f"{COOL}-pooler:5432"),
        *(("pooled", {"DATABASE_URL": f"{UNPOOLED}&{setting}"}, f"{COOL}:5432") for setting in OF_SESSION),
        ("pooled", {"DATABASE_URL": PLAIN}, "db:5432"),
        ("pooled", {"DATABASE_URL": PLAIN, "DATABASE_CONNECTION_POOL_URL": OTHER}, "other:5432"),
        ("replica", {"DATABASE_URL": PLAIN, "DATABASE_REPLICA_URL": COPY}, "copy:5432"),
        ("replica", {"DATABASE_URL": PLANETSCALE}, "us-east-1-2:5432"),
        ("direct", {"DATABASE_URL": REPLICA}, "us-east-1-2:5432"),
    ],
)
def test_the_endpoint_of_the_process(word: str, environ: dict[str, str], host: str) -> None:
    services = load(word, **environ)
    assert hosts(services)["database"] == host
    assert stated_endpoint(services.database) == word
    before, after = (each.database for each in (load("", **environ), services))
    moved = (before.hosts, before.user) != (after.hosts, after.user)
    noted = [note.code for note in services.report().notes if note.code.startswith("endpoint-")]
    kept = word == "pooled" and not after.pooled
    assert noted == (["endpoint-not-found"] if kept else ["endpoint-chosen"] if word and moved else [])


@pytest.mark.parametrize(
    ("word", "environ", "message"),
    [
        ("direct", {"DATABASE_URL": HEROKU}, "a direct endpoint on the primary: the pool and the database have"),
        ("direct", {"DATABASE_URL": OCEAN}, "Bind the database's URL to DIRECT_URL"),
        *(
            ("direct", {"DATABASE_URL": url}, "Set DIRECT_URL, or ENVCONN_POOL_MODE=none if it is no pooler")
            for url in (
                LIKELY,
                RAILWAY,
                PLAIN.replace("com/", "com:6432/"),
                PLAIN.replace("com/", "com:6543/"),
                PLAIN.replace("db.", "db-pooler."),
                "postgresql://app:marker@localhost:6432/shop",
            )
        ),
        ("direct", {"DATABASE_URL": LIKELY, "DATABASE_REPLICA_URL": COPY}, "DATABASE_URL: a direct endpoint"),
        (
            "direct",
            {"DATABASE_URL": PLAIN, "SHOP_DATABASE_URL": LIKELY},
            "Set SHOP_DIRECT_URL, or ENVCONN_SHOP_POOL_MODE=none if it is no pooler",
        ),
        (
            "direct",
            {"DATABASE_URL": LIKELY, "ENVCONN_POOL_MODE": "session", "DIRECT_URL": SUPABASE},
            "DATABASE_URL: a direct endpoint on the primary: DIRECT_URL is a pooler in transaction mode. Set it to the",
        ),
        (
            "direct",
            {"DATABASE_URL": PLAIN, "ENVCONN_POOL_MODE": "transaction"},
            "on the primary: ENVCONN_POOL_MODE applies to this endpoint only. Set DIRECT_URL",
        ),
        (
            "direct",
            {"DATABASE_URL": PLAIN, "SHOP_DATABASE_URL": OTHER, "ENVCONN_SHOP_POOL_MODE": "session"},
            "primary: ENVCONN_SHOP_POOL_MODE applies to this endpoint only. Set SHOP_DIRECT_URL",
        ),
        ("replica", {"DATABASE_URL": PLAIN, "ENVCONN_POOL_MODE": "session"}, "Set DATABASE_REPLICA_URL"),
        ("direct", {"DATABASE_URL": PLAIN, "SHOP_DATABASE_URL": HEROKU}, "SHOP_DATABASE_URL: a direct endpoint"),
        ("replica", {"DATABASE_URL": PLAIN}, "DATABASE_URL: an endpoint on a replica: the provider is unknown"),
        ("replica", {"DATABASE_URL": NEON}, "Set DATABASE_REPLICA_URL"),
        ("replica", {"DATABASE_URL": "sqlite:///x"}, "known for PostgreSQL only"),
        ("replica", {"DATABASE_URL": PLAIN, "SHOP_DATABASE_REPLICA_URL": COPY, "SHOP_DATABASE_URL": PLAIN}, "DATABAS"),
        # Of another family, a variable for an endpoint is a leftover, or a mistake.
        *(
            (word, {"DATABASE_URL": PLAIN, variable: url}, f"{variable}: holds {title} URL, but DATABASE_URL, the same")
            for word in ("", "direct", "pooled")
            for variable in ("DIRECT_URL", "DATABASE_CONNECTION_POOL_URL", "DATABASE_REPLICA_URL")
            for title, url in (
                ("a MySQL", "mysql://app:marker@other.example.com/shop?ssl-mode=REQUIRED"),
                ("an SQLite", "sqlite:///shop"),
            )
        ),
        ("", {"DATABASE_URL": "sqlite:///shop", "DIRECT_URL": PLAIN}, "holds an SQLite URL. Unset it"),
        ("", {"SHOP_DATABASE_URL": PLAIN, "SHOP_DIRECT_URL": "sqlite:///shop"}, "SHOP_DIRECT_URL: holds an SQLite"),
        ("primary", {"DATABASE_URL": NEON}, "ENVCONN_ENDPOINT: is invalid: expected direct, pooled or replica"),
        ("Direct", {"DATABASE_URL": NEON}, "ENVCONN_ENDPOINT: is invalid: expected direct, pooled or replica"),
        ("direct,pooled", {"DATABASE_URL": NEON}, "ENVCONN_ENDPOINT: is invalid"),
        ("marker", {"REDIS_URL": "rediss://cache.example.com"}, "ENVCONN_ENDPOINT: is invalid"),
    ],
)
def test_refused(word: str, environ: dict[str, str], message: str) -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        load(word, **environ)
    assert message in str(caught.value)
    assert caught.value.exit_code == 78
    assert "marker" not in str(caught.value)


@pytest.mark.parametrize("word", ["", " ", *ENDPOINTS])
@pytest.mark.parametrize(
    "url", ["sqlite:///x", "mysql://app@localhost/shop", "postgresql://app@/shop?host=/run/postgresql"]
)
def test_what_has_one_endpoint_stays_as_it_is(word: str, url: str) -> None:
    if word != "replica":
        assert load(word, DATABASE_URL=url).database.dbname == load("", DATABASE_URL=url).database.dbname


def test_other_services() -> None:
    services = load(
        "replica",
        DATABASE_URL=PLAIN,
        DATABASE_REPLICA_URL=COPY,
        SHOP_DATABASE_URL=OTHER,
        REDIS_URL="rediss://cache.example.com",
    )
    redis = {"broker": "cache:6379", "cache": "cache:6379"}
    assert hosts(services) == {"database": "copy:5432", "shop": "other:5432", **redis}
    assert [(note.code, note.service) for note in services.report().notes if "endpoint-not" in note.code] == [
        ("endpoint-not-found", None)
    ]


def test_the_other_endpoints_are_siblings() -> None:
    database = load("direct", DATABASE_URL=NEON, DATABASE_REPLICA_URL=COPY).database
    assert [each.host.partition(".")[0] for each in database.siblings] == ["ep-cool-darkness-123456-pooler", "copy"]
    assert database.endpoint(pooled=True).pooled
    assert database.endpoint(pooled=False) is database
    stated = load("direct", DATABASE_URL=PLAIN, DIRECT_URL=OTHER, DATABASE_REPLICA_URL=COPY).database
    assert [each.origin.variable for each in stated.siblings] == ["DATABASE_URL", "DATABASE_REPLICA_URL"]
    assert stated.origin.variable == "DIRECT_URL"


def test_the_variable_for_the_direct_endpoint_names_no_pooled_one() -> None:
    with pytest.raises(envconn.EndpointUnavailable, match="Set DATABASE_CONNECTION_POOL_URL"):
        load("", DATABASE_URL=PLAIN, DIRECT_URL=SESSION).database.endpoint(pooled=True)


@pytest.mark.parametrize("setting", OF_SESSION)
def test_a_derived_endpoint_has_the_schema_or_there_is_none(setting: str) -> None:
    with pytest.raises(envconn.EndpointUnavailable, match="the pooler does not support options"):
        load("", DATABASE_URL=f"{UNPOOLED}&{setting}").database.endpoint(pooled=True)


def test_a_leftover_is_ignored_where_that_is_stated() -> None:
    services = load("", DATABASE_URL="sqlite:///shop", DIRECT_URL=PLAIN, ENVCONN_IGNORE="DIRECT_URL")
    assert not services.database.siblings


def test_a_reload_keeps_to_it() -> None:
    environ = {"DATABASE_URL": NEON, "ENVCONN_ENDPOINT": "direct"}
    services = envconn.load(environ, env_file=None)
    environ["DATABASE_URL"] = NEON.replace("cool", "warm")
    services.reload()
    assert services.database.host.startswith("ep-warm-darkness-123456.")
    del environ["ENVCONN_ENDPOINT"]
    services.reload()
    assert services.database.pooled


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        *(
            ({"DATABASE_URL": PLAIN, "DIRECT_URL": OTHER, "ENVCONN_POOL_MODE": mode}, "other.example.com")
            for mode in ("transaction", "session")
        ),
        *(
            ({"DATABASE_URL": url, "DIRECT_URL": OTHER}, "other.example.com")
            for url in (LIKELY, PLAIN.replace("com/", "com:6432/"), f"{PLAIN}&pgbouncer=true")
        ),
        ({"DATABASE_URL": HEROKU, "DIRECT_URL": HEROKU.replace("5433", "5432")}, "ec2-1-2-3-4.compute-1.amazonaws.com"),
        ({"DATABASE_URL": SUPABASE, "DIRECT_URL": OTHER}, "other.example.com"),
        ({"DATABASE_URL": SUPABASE, "DIRECT_URL": SESSION}, "aws-0-eu-west-1.pooler.supabase.com"),
        ({"DATABASE_URL": FLY, "DIRECT_URL": FLY.replace("pgbouncer", "direct")}, "direct.fake0cluster1.flympg.net"),
        ({"DATABASE_URL": NEON}, "ep-cool-darkness-123456.us-east-2.aws.neon.tech"),
        ({"DATABASE_URL": PLANETSCALE}, "us-east-1-2.pg.psdb.cloud"),
        ({"DATABASE_URL": DEDICATED}, "db.abcdefghijklmnopqrst.supabase.co"),
        # Not unasked: the address exists in IPv6 only, or in a private network.
        ({"DATABASE_URL": SUPABASE}, None),
        ({"DATABASE_URL": SUPABASE, "DIRECT_URL": SUPABASE.replace("0-eu", "1-eu")}, None),
        ({"DATABASE_URL": SESSION}, None),
        ({"DATABASE_URL": FLY}, None),
        # There is none, or it is this one.
        ({"DATABASE_URL": PLAIN}, None),
        # Nothing says that it is a pooler, so the other one may be of another deployment.
        *(
            ({"DATABASE_URL": url, variable: OTHER}, None)
            for url in (PLAIN, PLAIN.replace("com/", "com:5433/"), "postgresql://app:marker@localhost:5432/shop")
            for variable in ("DIRECT_URL", "DATABASE_UNPOOLED_URL", "POSTGRES_URL_NON_POOLING")
        ),
        ({"DATABASE_URL": PLAIN.replace("db.example.com", "db"), "ENVCONN_TLS_WAIVE": "db", "DIRECT_URL": OTHER}, None),
        ({"DATABASE_URL": LIKELY, "DIRECT_URL": OTHER, "ENVCONN_POOL_MODE": "none"}, None),
        ({"DATABASE_URL": LIKELY, "DATABASE_REPLICA_URL": COPY}, None),
        ({"DATABASE_URL": HEROKU}, None),
        ({"DATABASE_URL": OCEAN}, None),
        ({"DATABASE_URL": NEON.replace("-pooler", "")}, None),
        ({"DATABASE_URL": NEON.replace("-pooler", ""), "DIRECT_URL": OTHER}, None),
        ({"DATABASE_URL": PLAIN, "ENVCONN_POOL_MODE": "transaction"}, None),
        ({"DATABASE_URL": "sqlite://"}, None),
        ({"DATABASE_URL": "mysql://app@localhost/shop"}, None),
        # A replica stays one.
        ({"DATABASE_URL": REPLICA}, None),
        # Something is stated.
        *(({"DATABASE_URL": NEON, "ENVCONN_ENDPOINT": word}, None) for word in ("direct", "pooled")),
        *(
            ({"DATABASE_URL": PLAIN, "DIRECT_URL": OTHER, "DATABASE_REPLICA_URL": COPY, "ENVCONN_ENDPOINT": word}, None)
            for word in ENDPOINTS
        ),
    ],
)
def test_by_itself(environ: dict[str, str], host: str | None) -> None:
    database = envconn.load(environ, env_file=None).database
    found = direct_by_itself(database)
    assert (found and found.host) == host
    if found:
        found_directly = direct(database)
        assert found_directly
        assert (found_directly.host, found.tls.level) == (found.host, database.tls.level)


PRINT = ("--", sys.executable, "-c", "import os; print(os.environ.get('ENVCONN_ENDPOINT'))")


def execute(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envconn", "exec", *arguments, *PRINT]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.measured
@pytest.mark.parametrize(
    ("option", "environ", "word"),
    [
        ([], {}, "None"),
        (["--direct"], {}, "direct"),
        (["--pooled"], {}, "pooled"),
        (["--replica"], {"DATABASE_REPLICA_URL": COPY}, "replica"),
        (["--direct"], {"ENVCONN_ENDPOINT": "pooled"}, "direct"),
        ([], {"ENVCONN_ENDPOINT": "pooled"}, "pooled"),
        (["--direct", "--export", "pg"], {}, "None"),
    ],
)
def test_exec_states_it(option: list[str], environ: dict[str, str], word: str) -> None:
    done = execute(*option, DATABASE_URL=NEON, **environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{word}\n", "")


@pytest.mark.measured
@pytest.mark.parametrize(
    ("option", "environ"),
    [
        ("--direct", {"DATABASE_URL": HEROKU}),
        ("--direct", {"DATABASE_URL": OCEAN}),
        ("--direct", {"DATABASE_URL": LIKELY}),
        ("--replica", {"DATABASE_URL": PLAIN}),
    ],
)
def test_exec_starts_nothing_without_such_an_endpoint(option: str, environ: dict[str, str]) -> None:
    done = execute(option, **environ)
    assert (done.returncode, done.stdout) == (78, "")
    assert "endpoint-unavailable" in done.stderr


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"DATABASE_URL": SUPABASE, "DIRECT_URL": SESSION}, ["database (direct)"]),
        ({"DATABASE_URL": PLAIN, "DIRECT_URL": OTHER}, ["database (direct)"]),
        ({"DATABASE_URL": PLAIN, "DIRECT_URL": SUPABASE}, ["database (pooled)"]),
        ({"DATABASE_URL": PLAIN, "DATABASE_CONNECTION_POOL_URL": SESSION}, ["database (pooled)"]),
        ({"DATABASE_URL": PLAIN, "DATABASE_REPLICA_URL": COPY}, ["database (replica)"]),
    ],
)
def test_what_a_sibling_is_called(environ: dict[str, str], names: list[str]) -> None:
    assert [sibling_name(each) for each in load("", **environ).database.siblings] == names


def test_every_word_means_another_endpoint() -> None:
    for one, other in product(ENDPOINTS, ENDPOINTS):
        assert (one == other) == (ENDPOINTS[one] == ENDPOINTS[other])


@pytest.mark.parametrize(
    ("beside", "is_left_alone"),
    [
        ({}, True),
        ({"ENVCONN_POOL_MODE": "transaction"}, False),
        ({"ENVCONN_POOL_MODE": "none"}, False),
        ({"ENVCONN_ENDPOINT": "pooled"}, False),
        ({"ENVCONN_ENDPOINT": "direct"}, False),
        ({"DATABASE_URL": "postgres://a:b@db.example.com:6432/d"}, False),
        ({"DIRECT_URL": ""}, False),
    ],
)
def test_an_endpoint_that_is_left_alone(beside: dict[str, str], is_left_alone: bool) -> None:  # noqa: FBT001
    urls = {"DATABASE_URL": "postgres://a:b@db.example.com/d", "DIRECT_URL": "postgres://o:b@other.example.com/d"}
    found = unused(envconn.load({**urls, **beside}, env_file=None).database)
    assert (found.host if found else "") == ("other.example.com" if is_left_alone else "")


STATED = "postgres://a:b@db.example.com/d?sslmode=verify-full&sslrootcert=system&target_session_attrs=read-write"
TLS = "sslmode=verify-full&sslrootcert=system"


@pytest.mark.parametrize(
    ("word", "other", "missing"),
    [
        ("direct", TLS, "the same target_session_attrs"),
        ("direct", f"{TLS}&target_session_attrs=read-write", None),
        ("direct", "sslmode=verify-full&sslrootcert=system&target_session_attrs=any", "the same target_session_attrs"),
        ("direct", "target_session_attrs=read-write", "sslmode=verify-full and the same sslrootcert"),
        ("direct", "sslmode=require", "the same target_session_attrs and sslmode=verify-full and the same sslrootcert"),
        ("replica", TLS, None),
        ("replica", "sslmode=require", "sslmode=verify-full and the same sslrootcert"),
        ("pooled", "sslmode=require", "the same target_session_attrs and sslmode=verify-full and the same sslrootcert"),
        ("", "sslmode=require", None),
    ],
)
def test_an_endpoint_that_requires_less_is_noted(word: str, other: str, missing: str | None) -> None:
    names = {"direct": "DIRECT_URL", "replica": "DATABASE_REPLICA_URL", "pooled": "DATABASE_CONNECTION_POOL_URL"}
    variable = names.get(word, "DIRECT_URL")
    report = load(word, DATABASE_URL=STATED, **{variable: f"postgres://a:b@other.example.com/d?{other}"}).report()
    expected = (
        f"{variable}: does not have everything that DATABASE_URL requires, but is used because of ENVCONN_ENDPOINT. "
        f"Write {missing} in it"
    )
    found = [str(each) for each in report.notes if each.code == "endpoint-weaker"]
    assert found == ([expected] if missing else [])


def test_a_local_endpoint_or_one_with_a_waiver_may_have_less_tls() -> None:
    text = "postgres://a:b@db.example.com/d?sslmode=verify-full&sslrootcert=system"
    for url, beside in ((LOCAL, {}), (OTHER, {"ENVCONN_TLS_WAIVE": "other.example.com"})):
        notes = load("direct", DATABASE_URL=text, DIRECT_URL=url, **beside).report().notes
        assert "endpoint-weaker" not in {note.code for note in notes}


LOCAL = "postgres://a:b@localhost/d"

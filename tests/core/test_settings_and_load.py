"""`Settings()` and `load()` run the same rules: over a table of environments they find and refuse the same."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import envconn
from sourced import adding, holding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from throwaway.certificates import Certificates

HOST = "db.example.com"
URL = f"postgresql://app:secret@{HOST}/app"
OTHER = "postgresql://app:secret@other.example.com/app"
SCALINGO = "postgresql://app:secret@abc-1.postgresql.osc-fr1.scalingo-dbs.com:30000/app?sslmode=prefer"
PLANETSCALE = "postgresql://app.main:secret@aws-eu-west-1-1.pg.psdb.cloud:6432/app"
PARTED = {"type": "postgresql", "host": HOST, "username": "app", "password": "p@ss", "database": "app"}
JSON = json.dumps({"engine": "postgres", "host": HOST, "port": 5432, "dbname": "app", "username": "app"})
NEON = "postgresql://app:secret@ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech/app"
PARTS = {"PGHOST": HOST, "PGUSER": "app", "PGPASSWORD": "it's", "PGDATABASE": "app"}


@dataclass(frozen=True)
class Place:
    """Variables, and files in the working directory. ``{ca}`` is the path of a CA."""

    environ: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def env(**environ: str) -> Place:
    return Place(environ)


def dotenv(content: str, **environ: str) -> Place:
    return Place(environ, {".env": content})


def file(name: str, content: str, **environ: str) -> Place:
    return Place(environ, {name: content})


def secrets(variable: str = "ENVCONN_SECRETS_DIR", **files: str) -> Place:
    return Place({variable: "held"}, {f"held/{name}": content for name, content in files.items()})


def binding(*bindings: dict[str, str], **environ: str) -> Place:
    files = {f"held/b{number}/{name}": text for number, parts in enumerate(bindings) for name, text in parts.items()}
    return Place({"SERVICE_BINDING_ROOT": "held", **environ}, files)


def vcap(*uris: str, **environ: str) -> Place:
    services = [{"name": f"v{number}", "credentials": {"uri": uri}} for number, uri in enumerate(uris)]
    return Place({"VCAP_SERVICES": json.dumps({"p": services}), **environ})


def upsun(**environ: str) -> Place:
    document = {"db": [{"scheme": "pgsql", "host": HOST, "username": "app", "password": "secret", "path": "app"}]}
    return Place({"PLATFORM_RELATIONSHIPS": b64encode(json.dumps(document).encode()).decode(), **environ})


RIGHT = {
    "one": env(DATABASE_URL=URL),
    "keyword/value": env(DATABASE_URL=f"host={HOST} user=app dbname=app password='it is'"),
    "spaces": env(DATABASE_URL=f"  {URL}\n"),
    "scheme": env(DATABASE_URL=URL.replace("postgresql", "postgres+asyncpg")),
    "Scalingo": env(SCALINGO_POSTGRESQL_URL=SCALINGO, DATABASE_URL="$SCALINGO_POSTGRESQL_URL"),
    "PlanetScale": env(DATABASE_URL=PLANETSCALE),
    "PlanetScale parts": env(
        PLANETSCALE_HOST="aws-eu-west-1-1.pg.psdb.cloud", PLANETSCALE_USERNAME="app.main", PLANETSCALE_DBNAME="app"
    ),
    "Neon": env(DATABASE_URL=NEON, DATABASE_URL_UNPOOLED=NEON.replace("-pooler", "")),
    "same twice": env(DATABASE_URL=URL, POSTGRESQL_URL=f"{URL}?sslmode=require"),
    "chosen": env(DATABASE_URL=URL, POSTGRESQL_URL=OTHER, ENVCONN_DATABASE_VARIABLE="POSTGRESQL_URL"),
    "chosen by another name": env(DATABASE_URL=URL, MINE=OTHER, ENVCONN_DATABASE_VARIABLE="MINE"),
    "chosen parts": env(DATABASE_URL=URL, ENVCONN_DATABASE_VARIABLE="PGHOST", **PARTS),
    "sentinels": env(REDIS_URL="rediss+sentinel://:p@h1,h2?sentinel_password=q", ENVCONN_SENTINEL_MASTER="m"),
    "alias": env(DATABASE_URL="${MINE}", MINE=URL),
    "alias of an alias": env(DATABASE_URL="$A", A="$B", B=URL),
    "NAME_FILE": file("held", f"{URL}\n", DATABASE_URL_FILE="held"),
    "NAME_FILE beside the same": file("held", URL, DATABASE_URL_FILE="held", DATABASE_URL=URL),
    ".env": dotenv(f"DATABASE_URL={URL}\n"),
    ".env, quoted": dotenv(f"export DATABASE_URL='{URL}' # comment\n"),
    ".env, nothing interpolated": dotenv("DATABASE_URL=postgresql://app:a${b}@db.example.com/app\nb=other\n"),
    ".env overruled": dotenv(f"DATABASE_URL={OTHER}\n", DATABASE_URL=URL),
    ".env blanked out": dotenv(f"DATABASE_URL={OTHER}\nPG_URL={URL}\n", DATABASE_URL=""),
    ".env with an alias into the environment": dotenv("DATABASE_URL=$MINE\n", MINE=URL),
    ".env with a policy": dotenv(f"ENVCONN_TLS=verify-ca\nENVCONN_TLS_CA={{ca}}\nDATABASE_URL={URL}\n"),
    "PG* parts": env(**PARTS),
    "PG* parts beside a URL": env(DATABASE_URL=URL, PGHOST="elsewhere", PGSSLMODE="disable", PGOPTIONS="-c a=b"),
    "PG* parts with a file": file("held", "secret\n", **{**PARTS, "PGPASSWORD": ""}, PGPASSWORD_FILE="held"),
    "DATABASE_* parts": env(DATABASE_HOST=HOST, DATABASE_USER="app", DATABASE_NAME="app", DATABASE_PASSWORD="@:/?#"),
    "DB_* parts": env(DB_HOST=HOST, DB_USERNAME="app", DB_DATABASE="app", DB_PORT="6432", DB_SSLMODE="require"),
    "several": env(DATABASE_URL=URL, ANALYTICS_DATABASE_URL=OTHER, EU_WEST_DATABASE_URL=URL),
    "no default": env(ANALYTICS_DATABASE_URL=OTHER),
    "siblings": env(DATABASE_URL=URL, DIRECT_URL=f"{URL}?sslmode=require", DATABASE_REPLICA_URL=OTHER),
    "local": env(DATABASE_URL="postgresql://app@localhost/app?sslmode=disable"),
    "socket": env(DATABASE_URL="postgresql://app@/app?host=/run"),
    "several hosts": env(DATABASE_URL="postgresql://app@a.example.com,b.example.com:6432/app"),
    "waived by name": env(DATABASE_URL=f"{URL}?sslmode=disable", ENVCONN_TLS_WAIVE="*.example.com"),
    "waived by block": env(DATABASE_URL="postgresql://app@10.1.2.3/app?sslmode=prefer", ENVCONN_TLS_WAIVE="10.0.0.0/8"),
    "verified": env(DATABASE_URL=f"{URL}?sslmode=verify-full&sslrootcert={{ca}}"),
    "CA for all": env(DATABASE_URL=URL, DATABASE_CA_CERT="{ca}"),
    "best": env(DATABASE_URL=PLANETSCALE, ENVCONN_TLS="best"),
    "PGSSLMODE raises": env(DATABASE_URL=URL, PGSSLMODE="verify-ca", PGSSLROOTCERT="{ca}"),
    "foreign keys": env(DATABASE_URL=f"{URL}?pgbouncer=true&connection_limit=5"),
    "build phase": env(ENVCONN_PHASE="build"),
    "build phase with a database": env(ENVCONN_PHASE="build", DATABASE_URL=URL),
    "secrets": secrets(database_url=f"{URL}\n", ENVCONN_TLS="require", other="x"),
    "secrets of systemd": secrets(
        "CREDENTIALS_DIRECTORY", ANALYTICS_DATABASE_URL=OTHER, database_url="$PG_URL", pg_url=URL
    ),
    "secrets in .env": Place({}, {".env": "ENVCONN_SECRETS_DIR=held\n", "held/DATABASE_URL": URL}),
    "secrets overruled": Place({"ENVCONN_SECRETS_DIR": "held", "DATABASE_URL": URL}, {"held/DATABASE_URL": OTHER}),
    "password in secrets": Place(
        {**PARTS, "PGPASSWORD_FILE": "held/x", "ENVCONN_SECRETS_DIR": "held"}, {"held/x": "it's"}
    ),
    "JSON": env(DATABASE_URL=JSON),
    "JSON in a file": file("held", JSON, DATABASE_URL_FILE="held"),
    "JSON in secrets": secrets(database_url=JSON),
    "binding": binding(PARTED),
    "binding with a CA": binding({**PARTED, "certificates": "{pem}"}),
    "bindings, chosen": binding(PARTED, {"type": "postgresql", "uri": OTHER}, ENVCONN_DATABASE_VARIABLE="b1"),
    "binding in .env": Place({}, {".env": "SERVICE_BINDING_ROOT=held\n", **binding(PARTED).files}),
    "VCAP": vcap(URL, "rediss://:secret@cache.example.com/0", "amqps://app:secret@queue.example.com/v"),
    "VCAP beside a URL": vcap(OTHER, URL, DATABASE_URL=URL),
    "VCAP in a file": file("held", vcap(URL).environ["VCAP_SERVICES"], VCAP_SERVICES_FILE_PATH="held"),
    "VCAP in .env": dotenv(f"VCAP_SERVICES='{vcap(URL).environ['VCAP_SERVICES']}'\n"),
    "Upsun": upsun(),
    "Upsun, parts": upsun(PLATFORM_PROJECT="p", CACHE_HOST="cache.internal", CACHE_SCHEME="rediss"),
    "Azure": env(
        CUSTOMCONNSTR_DATABASE_URL=URL, POSTGRESQLCONNSTR_OTHER=OTHER, ENVCONN_DATABASE_VARIABLE="DATABASE_URL"
    ),
    "Elastic Beanstalk": env(RDS_HOSTNAME=HOST, RDS_PORT="5432", RDS_DB_NAME="app", RDS_USERNAME="app"),
    "Clever Cloud": env(
        POSTGRESQL_ADDON_HOST=HOST,
        POSTGRESQL_ADDON_DB="app",
        POSTGRESQL_ADDON_USER="app",
        POSTGRESQL_ADDON_DIRECT_HOST="10.0.0.1",
    ),
    "variables called like fields": env(DATABASE_URL=URL, DATABASE="app", CACHE="1", SERVICES="[", BROKER="{{"),
}

WRONG = {
    "nothing": env(),
    "nothing but blanks": env(DATABASE_URL="", PG_URL="  "),
    "lower case": env(database_url=URL),
    "a directory called .env": env(DATABASE_URL_FILE="."),
    "sslmode=disable": env(DATABASE_URL=f"{URL}?sslmode=disable"),
    "unknown sslmode": env(DATABASE_URL=f"{URL}?sslmode=required"),
    "unknown parameter": env(DATABASE_URL=f"{URL}?sslmod=require"),
    "second at": env(DATABASE_URL="postgresql://app:a@b@db.example.com/app"),
    "slash": env(DATABASE_URL="postgresql://app:a/b@db.example.com/app"),
    "scheme": env(DATABASE_URL="https://db.example.com/app"),
    "no scheme": env(DATABASE_URL="app:secret@db.example.com/app"),
    "no user": env(DATABASE_URL="postgresql://db.example.com/app"),
    "conflict": env(DATABASE_URL=URL, SCALINGO_POSTGRESQL_URL=SCALINGO),
    "conflict of passwords": env(DATABASE_URL=URL, PG_URL=URL.replace("secret", "other")),
    "conflict with parts": env(DATABASE_URL=URL, DB_HOST="other.example.com", DB_USER="app", DB_NAME="app"),
    "conflict in .env": dotenv(f"PG_URL={OTHER}\nDATABASE_URL={URL}\n"),
    "choice of nothing": env(DATABASE_URL=URL, ENVCONN_DATABASE_VARIABLE="MINE"),
    "cycle": env(DATABASE_URL="$A", A="$DATABASE_URL"),
    "alias of nothing": env(DATABASE_URL="$A"),
    "alias of a blank": env(DATABASE_URL="$A", A=" "),
    "NAME_FILE of nothing": env(DATABASE_URL_FILE="/nowhere/at/all"),
    "NAME_FILE with a URL": env(DATABASE_URL_FILE=URL),
    "NAME_FILE against NAME": file("held", OTHER, DATABASE_URL_FILE="held", DATABASE_URL=URL),
    "NAME_FILE, empty": file("held", "\n", DATABASE_URL_FILE="held"),
    ".env with a syntax error": dotenv(f"DATABASE_URL={URL}\nthis is 'no assignment\n"),
    ".env with a wrong URL": dotenv("A=1\nDATABASE_URL=postgresql://db.example.com\n"),
    "parts without a user": env(PGHOST=HOST, PGDATABASE="app"),
    "parts with a wrong port": env(**PARTS, PGPORT="many"),
    "verified without a CA": env(DATABASE_URL=f"{URL}?sslmode=verify-full"),
    "CA that is not there": env(DATABASE_URL=f"{URL}?sslrootcert=/nowhere.pem"),
    "CA that is none": file("ca", "nothing", DATABASE_URL=URL, DATABASE_CA_CERT="ca"),
    "unknown policy": env(DATABASE_URL=URL, ENVCONN_TLS="strict", ENVCONN_TLS_LOCAL="deny"),
    "waiver of everything": env(DATABASE_URL=URL, ENVCONN_TLS_WAIVE="*"),
    "socket under enforce": env(DATABASE_URL="postgresql://app@/app?host=/run", ENVCONN_TLS_LOCAL="enforce"),
    "mixed hosts": env(DATABASE_URL="postgresql://app@/app?host=/run,db.example.com"),
    "named, wrong": env(DATABASE_URL=URL, ANALYTICS_DATABASE_URL=f"{OTHER}?sslmode=disable"),
    "sibling, wrong": env(DATABASE_URL=URL, DIRECT_URL=f"{OTHER}?sslmode=disable"),
    "two of one name": env(DATABASE_URL=URL, DATABASE_DATABASE_URL=OTHER),
    "three at once": env(DATABASE_URL="x", A_DATABASE_URL="postgresql://@/?a=b", ENVCONN_TLS="x"),
    "build phase, wrong": env(ENVCONN_PHASE="build", DATABASE_URL=f"{URL}?sslmode=disable"),
    "secrets that are not there": env(DATABASE_URL=URL, ENVCONN_SECRETS_DIR="nowhere"),
    "secrets, two cases": secrets(DATABASE_URL=URL, database_url=OTHER),
    "secrets, empty": secrets(DATABASE_URL=""),
    "JSON, broken": env(DATABASE_URL=JSON[:-1]),
    "JSON, two keys": env(DATABASE_URL='{"host": "a", "host": "b"}'),
    "binding that contradicts itself": binding({**PARTED, "uri": OTHER}),
    "bindings, not chosen": binding(PARTED, {"type": "postgresql", "uri": OTHER}),
    "bindings that are not there": env(DATABASE_URL=URL, SERVICE_BINDING_ROOT="nowhere"),
    "VCAP against a URL": vcap(OTHER, DATABASE_URL=URL),
    "VCAP, broken": env(VCAP_SERVICES="{{", DATABASE_URL=URL),
    "VCAP in a file that is not there": env(VCAP_SERVICES_FILE_PATH="nowhere", DATABASE_URL=URL),
    "VCAP, clear text": vcap("redis://:secret@cache.example.com/0"),
    "Upsun, broken": env(PLATFORM_RELATIONSHIPS="x", DATABASE_URL=URL),
    "Upsun against a URL": upsun(DATABASE_URL=OTHER),
    "Azure, two": env(POSTGRESQLCONNSTR_A=URL, POSTGRESQLCONNSTR_B=OTHER),
    "client certificate without its key": env(DATABASE_URL=f"{URL}?sslcert={{ca}}"),
}

TABLE = {
    **{f"right: {name}": place for name, place in RIGHT.items()},
    **{f"wrong: {name}": place for name, place in WRONG.items()},
}


class Settings(envconn.Settings):
    debug: bool = False


def fact(service: envconn.SecuredConnection) -> tuple[object, ...]:
    hosts = [str(host) for host in service.hosts]
    endpoint = (service.provider, service.pooled, service.replica, service.branch)
    # Where something was stated is in the sentences, too.
    evidence = [sentence.replace(" (VaultSource)", "") for sentence in service.tls.evidence]
    return (service.name, str(service.origin), hosts, service.tls.level, evidence, service.user, *endpoint)


def named(findings: Iterable[envconn.Finding]) -> list[tuple[str, str]]:
    return [(found.code, found.variable) for found in findings]


def outcome(services: envconn.Services) -> list[object]:
    report = services.report().as_dict()
    return [*map(fact, services.values()), report]


def filled(content: str, certificates: Certificates) -> str:
    return content.replace("{ca}", str(certificates.ca)).replace("{pem}", certificates.ca.read_text(encoding="ascii"))


@pytest.fixture(params=TABLE)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> str:
    place = TABLE[request.param]
    for variable, value in place.environ.items():
        monkeypatch.setenv(variable, value.replace("{ca}", str(certificates.ca)))
    for path, content in place.files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(filled(content, certificates), encoding="utf-8")
    assert isinstance(request.param, str)
    return request.param


def test_settings_and_load_agree(name: str) -> None:
    if name.startswith("wrong"):
        with pytest.raises(envconn.ConfigurationError) as loaded:
            envconn.load()
        with pytest.raises(envconn.ConfigurationError) as caught:
            Settings()
        assert caught.value.problems == loaded.value.problems
        assert str(caught.value) == str(loaded.value)
        return
    services, settings = envconn.load(), Settings()
    assert outcome(settings.services) == outcome(services)
    assert list(settings.databases) == list(services.databases)
    single = {name: services.get(name) for name in ("database", "broker", "results", "cache")}
    assert {name: value and fact(value) for name, value in settings if name in single} == {
        name: value and fact(value) for name, value in single.items()
    }


# A name of another case is another variable, but not another secret. Where to look is not looked up there.
BY_NAME = {
    name: place
    for name, place in TABLE.items()
    if not (place.files or name == "wrong: lower case" or "ENVCONN_SECRETS_DIR" in place.environ)
}


@pytest.mark.parametrize("case", BY_NAME)
def test_a_vault_and_the_environment_agree(case: str, certificates: Certificates) -> None:
    environ = {name: value.replace("{ca}", str(certificates.ca)) for name, value in BY_NAME[case].environ.items()}
    model = adding(holding(environ))
    if case.startswith("wrong"):
        with pytest.raises(envconn.ConfigurationError) as loaded:
            envconn.load(environ)
        with pytest.raises(envconn.ConfigurationError) as caught:
            model()
        assert named(caught.value.problems) == named(loaded.value.problems)
        return
    services, settings = envconn.load(environ), model()
    assert [fact(service)[2:] for service in settings.services.values()] == [
        fact(service)[2:] for service in services.values()
    ]
    assert named(settings.services.report().notes) == named(services.report().notes)


def test_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_DATABASE_URL", OTHER)
    settings = Settings()
    assert settings.services.get("database") is None
    for services in (settings.services, envconn.load()):
        with pytest.raises(envconn.ConfigurationError, match="DATABASE_URL: not set"):
            _ = services.database
        with pytest.raises(envconn.EndpointUnavailable):
            services.connection("analytics", replica=True)


def test_the_table_is_long() -> None:
    assert len(RIGHT) > 40
    assert len(WRONG) > 40

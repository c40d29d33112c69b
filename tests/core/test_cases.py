"""The cases that users brought, from an environment to its outcome; one table for names, one for TLS.

Where an outcome differs from the one first written down for a case, the reason says so.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from envconn.selection import select_services
from leaks import MARKER

if TYPE_CHECKING:
    from envconn.errors import Finding
    from throwaway.certificates import Certificates

PG = f"postgresql://app:{MARKER}@db.example/app"
OTHER = f"postgresql://app:{MARKER}@other.example/app"
FULL, CA, ENCRYPTED, OPPORTUNISTIC = "verify-full", "verify-ca", "encrypted", "opportunistic"


class Case(NamedTuple):
    """`services` maps a name to its level, `codes` holds those of problems and notes, as far as they matter."""

    number: str
    environ: dict[str, str]
    services: dict[str, str]
    codes: set[str]
    why: str
    env_file: str = ""


NAMES = [
    Case(
        "T01",
        {"SCALINGO_POSTGRESQL_URL": f"{PG}?sslmode=prefer", "DATABASE_URL": f"{PG}?sslmode=prefer"},
        {"database": ENCRYPTED},
        {"variable-duplicate", "tls-better"},
        "one target is one database; prefer is raised",
    ),
    Case("T02", {"DATABASE_URL": "$SCALINGO_POSTGRESQL_URL", "SCALINGO_POSTGRESQL_URL": PG}, {"database": ENCRYPTED},
         {"variable-duplicate", "tls-better"},
         "what Scalingo stores; the alias is followed, not taken for an unknown scheme"),
    Case("T03", {"DATABASE_URL": "$SCALINGO_POSTGRESQL_URL"}, {}, {"alias-missing"}, "nothing at the end of the alias"),
    Case("T04", {"DATABASE_URL": "$A", "A": "$DATABASE_URL"}, {}, {"alias-cycle"}, "no RecursionError"),
    Case("T05", {"DATABASE_URL": PG, "SCALINGO_POSTGRESQL_URL": OTHER}, {}, {"variable-conflict"},
         "two targets, no order"),
    Case(
        "T05",
        {"DATABASE_URL": PG, "SCALINGO_POSTGRESQL_URL": OTHER, "ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"},
        {"database": ENCRYPTED},
        {"variable-not-chosen"},
        "the order is stated; the loser is reported",
    ),
    Case(
        "T06",
        {"DATABASE_URL": PG.replace("postgresql:", "postgres:"), "PG_URL": PG.replace("example/", "EXAMPLE:5432/")},
        {"database": ENCRYPTED},
        {"variable-duplicate"},
        "spelling is not a difference",
    ),
    Case("T07", {"SCALINGO_POSTGRESQL_URL": PG, "DATABASE_URL": f"{PG}?sslmode=verify-full&sslrootcert=system"},
         {"database": FULL}, {"variable-duplicate-weaker"}, "the strongest of the same target is kept"),
    Case("T08", {"DATABASE_URL": "", "SCALINGO_POSTGRESQL_URL": PG}, {"database": ENCRYPTED},
         {"variable-blank", "tls-better"}, "empty counts as unset"),
    Case("T09", {"DATABASE_URL": ""}, {}, {"variable-blank", "database-missing"}, "empty is no request for a default"),
    Case("T10", {"DATABASE_URL": " \t\n"}, {}, {"variable-blank", "database-missing"}, "white space is empty"),
    Case("T11", {"ENVCONN_PHASE": "build"}, {}, {"build-phase"}, "a build has no credentials; the report says so"),
    Case("T12", {}, {}, {"database-missing"}, "every accepted variable is in the message"),
    Case("T12", {"ENVCONN_PHASE": "biuld"}, {}, {"phase-unknown"}, "a typing mistake switches nothing off"),
    Case("T13", {"DATABASE_URL": PG, "PGHOST": "other.example"}, {"database": ENCRYPTED}, {"pg-variable-ignored"},
         "URL wins"),
    Case("T14", {"DATABASE_URL": f"{PG}?sslmode=prefer", "PGSSLMODE": "require"}, {"database": ENCRYPTED},
         {"pgsslmode-overruled"}, "libpq alone would use prefer"),
    Case("T15", {"DATABASE_URL": f"{PG}?sslmode=require", "PGSSLMODE": "disable"}, {"database": ENCRYPTED},
         {"pgsslmode-overruled"}, "PGSSLMODE never lowers, and is reported"),
    Case("T16", {"DB_HOST": "h.eu", "DB_USER": "u", "DB_PASSWORD": f"p@ss/w#rd?{MARKER}", "DB_NAME": "d"},
         {"database": ENCRYPTED}, set(), "parts need no encoding"),
    Case("T17", {"DATABASE_URL": PG, "DB_HOST": "h", "DB_USER": "u", "DB_NAME": "d"}, {}, {"variable-conflict"},
         "which one?"),
    Case("T17", {"DATABASE_URL": PG, "DB_HOST": "h.eu", "DB_USER": "u", "DB_NAME": "d",
                 "ENVCONN_DATABASE_VARIABLE": "DB_HOST"},
         {"database": ENCRYPTED}, {"variable-not-chosen"},
         "differs: no overlay of keys; one of the two is chosen as a whole"),
    Case("T18", {"DATABASE_URL": PG}, {"database": ENCRYPTED}, {"dotenv-ignored"}, "the process wins, .env is reported",
         env_file=f"DATABASE_URL={OTHER}\n"),
    Case("T19", {"DATABASE_URL": PG, "HEROKU_POSTGRESQL_BLUE_URL": OTHER}, {"database": ENCRYPTED, "blue": ENCRYPTED},
         set(), "two databases, the second called by its colour"),
    Case("T19", {"SCALINGO_POSTGRESQL_URL": PG, "POSTGRESQL_URL": OTHER}, {}, {"variable-conflict"},
         "never the first silently"),
    Case("T20", {"database_url": PG}, {}, {"database-missing"}, "names have a case; the message has the hint"),
    Case("T21", {"PG_URL": PG}, {"database": ENCRYPTED}, set(), "a generic name"),
    Case("T21", {"SCALINGO_POSTGRESQL_PRIVATE_PEERING_RW_URL": PG}, {"database": ENCRYPTED}, {"tls-better"}, "alone"),
    Case("T21", {"SCALINGO_POSTGRESQL_PRIVATE_PEERING_RW_URL": PG, "DATABASE_URL": OTHER}, {"database": ENCRYPTED},
         set(), "another endpoint of the database, used where it is asked for"),
    Case("T120", {"DATABASE_URL": PG, "DATABASE_REPLICA_URL": OTHER}, {"database": ENCRYPTED}, set(), "a sibling"),
    Case("T121", {"DATABASE_URL": PG, "DATABASE_REPLICA_URL": ""}, {"database": ENCRYPTED}, {"variable-blank"},
         "none, noted"),
    Case("T122", {"DATABASE_URL": PG, "ANALYTICS_DATABASE_URL": OTHER}, {"database": ENCRYPTED, "analytics": ENCRYPTED},
         set(), "a second database by its name; differs: all share one policy"),
    Case("T124", {"DATABASE_URL": f"{PG}?sslmode=disable", "ANALYTICS_DATABASE_URL": f"postgress://u:{MARKER}@h/d"},
         {}, {"tls-disabled", "scheme-unknown"}, "both variables, in one report"),
]  # fmt: skip

TLS = [
    Case("T78", {"DATABASE_URL": f"{PG}?sslmode=verify-full"}, {}, {"ca-missing"}, "at load, not at the first connect"),
    Case("T79", {"DATABASE_URL": f"{PG}?sslrootcert=system"}, {"database": FULL}, set(), "system means verify-full"),
    Case("T80", {"DATABASE_URL": f"{PG}?sslrootcert=system&sslmode=require"}, {"database": FULL}, set(),
         "libpq alone would refuse the pair"),
    Case("T83", {"DATABASE_URL": f"{PG}?sslmode=require&sslrootcert=/nowhere/ca.pem"}, {}, {"ca-missing"},
         "libpq alone would connect without verification"),
    Case("T84", {"DATABASE_URL": f"{PG}?sslmode=require&sslrootcert=FILE"}, {"database": CA}, set(), "a CA verifies"),
    Case("T84", {"DATABASE_URL": PG, "DATABASE_CA_CERT": "FILE"}, {"database": CA}, set(), "one beside the URL, too"),
    Case("T85", {"DATABASE_URL": f"{PG}?sslmode=verify-full&sslrootcert=FILE", "ENVCONN_TLS": "require"},
         {"database": FULL}, set(), "a floor lowers nothing"),
    Case("T86", {"DATABASE_URL": PG, "DATABASE_CA_CERT": "PEM"}, {"database": CA}, set(), "PEM text in the variable"),
    Case("T86", {"DATABASE_URL": PG, "DATABASE_CA_CERT": "-----BEGIN CERTIFICATE-----\\nAA"}, {}, {"ca-broken"}, "bad"),
    Case("T87", {"DATABASE_URL": PG, "DATABASE_CA_CERT_FILE": "FILE"}, {"database": CA}, set(), "the usual _FILE"),
    Case("T87", {"DATABASE_URL": PG, "ENVCONN_TLS_CA_FILE": "/nowhere"}, {"database": ENCRYPTED},
         {"file-missing"}, "stated, so it has to be there"),
    Case("T88", {"DATABASE_URL": f"postgresql://u:{MARKER}@my-db.postgresql.a.osc-fr1.scalingo-dbs.com:3/d",
                 "ENVCONN_TLS": "verify-full", "DATABASE_CA_CERT": "FILE"}, {"database": FULL}, set(), "regional CA"),
    Case("T88", {"DATABASE_URL": f"postgresql://u:{MARKER}@my-db.postgresql.a.osc-fr1.scalingo-dbs.com:3/d",
                 "ENVCONN_TLS": "verify-full"}, {}, {"ca-missing"}, "the message says where the region's CA is"),
    Case("T89", {"DATABASE_URL": f"postgresql://u:{MARKER}@127.0.0.1:10000/d?sslmode=verify-full&sslrootcert=FILE"},
         {"database": FULL}, set(), "differs: a mismatch of names shows at the handshake; hostaddr is the way round"),
    Case("T89", {"DATABASE_URL": f"postgresql://u:{MARKER}@db.example:10000/d?hostaddr=127.0.0.1&sslrootcert=FILE"},
         {"database": CA}, set(), "the tunnel with a name to verify; a CA in the text verifies, local or not"),
    Case("T90", {"DATABASE_URL": f"postgresql://u:{MARKER}@10.0.0.1/d?sslmode=verify-full&sslrootcert=FILE"},
         {"database": FULL}, set(), "differs: certificates may name addresses; the handshake shows whether one does"),
    Case("T91", {"DATABASE_URL": f"postgresql://u:{MARKER}@127.0.0.1/d?sslmode=verify-full&sslrootcert=FILE"},
         {"database": FULL}, set(), "differs: a stronger level in the URL is never lowered, not even for a side-car"),
    Case("T91", {"DATABASE_URL": f"postgresql://u:{MARKER}@127.0.0.1/d"}, {"database": OPPORTUNISTIC}, set(), "local"),
    Case("T92", {"DATABASE_URL": f"postgresql://u:{MARKER}@10.1.2.3/d?sslmode=disable",
                 "ENVCONN_TLS_WAIVE": "10.1.0.0/16"}, {"database": "none"}, set(), "inside of the range"),
    Case("T92", {"DATABASE_URL": f"postgresql://u:{MARKER}@10.2.2.3/d?sslmode=disable",
                 "ENVCONN_TLS_WAIVE": "10.1.0.0/16"}, {}, {"tls-disabled"}, "outside of it"),
    Case("floor", {"DATABASE_URL": f"{PG}?sslmode=prefer", "ENVCONN_TLS": "verify-full", "DATABASE_CA_CERT": "FILE"},
         {"database": FULL}, set(), "the floor raises"),
    Case("floor", {"DATABASE_URL": PG, "ENVCONN_TLS": "off"}, {"database": ENCRYPTED}, {"policy-unknown"}, "no word"),
    Case("socket", {"DATABASE_URL": "postgresql:///d?user=u&host=/run/postgresql"}, {"database": "none"}, set(), "T50"),
    Case("socket", {"DATABASE_URL": "postgresql:///d?user=u&host=/run/postgresql", "ENVCONN_TLS_LOCAL": "enforce"}, {},
         {"socket-enforced"}, "no TLS runs over a socket"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*NAMES, *TLS], ids=lambda case: f"{case.number}: {case.why}")
def test_case(case: Case, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.other_ca))
    if case.env_file:
        with open(".env", "w", encoding="utf-8") as stream:
            stream.write(case.env_file)
    pem = certificates.ca.read_text("ascii")
    environ = {
        name: pem if value == "PEM" else value.replace("FILE", str(certificates.ca))
        for name, value in case.environ.items()
    }
    report = select_services(environ).report
    assert {name: str(service.tls.level) for name, service in report.services.items()} == case.services, case.why
    findings: list[Finding] = [*report.problems, *report.notes]
    assert {finding.code for finding in findings} == case.codes, case.why
    assert MARKER not in json.dumps(report.as_dict())
    assert MARKER not in f"{report}{report!r}"


def texts(environ: dict[str, str]) -> str:
    return "\n".join(map(str, select_services(environ, None).report.problems))


def test_conflict_names_both_variables_both_hosts_and_the_way_out() -> None:
    message = texts({"DATABASE_URL": PG, "SCALINGO_POSTGRESQL_URL": OTHER})
    for part in (
        "SCALINGO_POSTGRESQL_URL: conflicts with",
        "DATABASE_URL (on db.example)",
        "ENVCONN_DATABASE_VARIABLE=SCALINGO_POSTGRESQL_URL",
    ):
        assert part in message


def test_nothing_configured_says_what_to_set() -> None:
    message = texts({})
    assert message == (
        "DATABASE_URL: not set in the environment. Set it to the connection string of your database, for example "
        "postgresql://user:password@host/name. envconn show --sources lists every other name that is read"
    )


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"database_url": PG}, "database_url: is not read. Rename it to DATABASE_URL"),
        ({"DATABSE_URL": PG}, "DATABSE_URL: is not read. Rename it to DATABASE_URL"),
        ({"SCALINGO_POSTGRES_URL": PG}, "SCALINGO_POSTGRES_URL: is not read. Rename it to SCALINGO_POSTGRESQL_URL"),
        (
            {"SQLALCHEMY_ADDRESS": PG},
            (
                "SQLALCHEMY_ADDRESS: holds a database URL, but is not read. Rename it to DATABASE_URL, or set "
                "ENVCONN_DATABASE_VARIABLE=SQLALCHEMY_ADDRESS"
            ),
        ),
        ({"DB_NAME": "a", "DB_USER": "a"}, "DB_HOST: not set. Set it to the hostname of the database"),
        ({"DB_NAME": "a", "DB_USER": "a", "DB_HOST": " "}, "DB_HOST: not set. Set it to the hostname"),
        ({"DB_NAME": "a", "DB_USER": "a", "DB_HSOT": "h"}, "DB_HSOT: is not read. Rename it to DB_HOST"),
        ({"POSTGRES_USER": "a", "POSTGRES_PASSWORD": MARKER, "POSTGRES_DB": "a"}, "POSTGRES_HOST: not set. "),
        ({"MYSQL_USER": "a", "MYSQL_PASSWORD": MARKER, "MYSQL_DATABASE": "a"}, "MYSQL_HOST: not set. "),
        ({"PGUSER": "a", "PGDATABASE": "a"}, "PGHOST: not set. "),
        ({"DB_NAME": "a"}, "DATABASE_URL: not set in the environment. "),
        ({"SITE_URL": "https://www.example.com"}, "DATABASE_URL: not set in the environment. "),
        ({"URL": "x", "PATH": "/bin"}, "DATABASE_URL: not set in the environment. "),
    ],
)
def test_a_similar_variable_is_named(environ: dict[str, str], message: str) -> None:
    assert texts(environ).startswith(message)


@pytest.mark.parametrize(
    ("variable", "text", "remedy"),
    [
        ("DATABASE_URL", "postgressql://u:{}@h/d", "unsupported scheme. Use postgresql://"),
        ("DATABASE_URL", "sqlite3:///{}", "unsupported scheme. Use sqlite:///"),
        ("DATABASE_URL", "zzq://{}", "unsupported scheme. Use postgresql://, mysql:// or sqlite:///"),
        ("DATABASE_URL", "reddis://{}", "unsupported scheme. Use postgresql://, mysql:// or sqlite:///"),
        ("DATABASE_URL", "mssql://{}", "SQL Server is not supported. Use postgresql://, mysql:// or sqlite:///"),
        ("DATABASE_URL", "{}", "the value has no scheme. Begin it with postgresql://, mysql:// or sqlite:///"),
        ("DATABASE_URL", "u:{}@h/d", "the value has no scheme. Begin it with postgresql://, mysql:// or sqlite:///"),
        ("REDIS_URL", "reddis://{}", "unsupported scheme. Use rediss:// or redis://"),
        ("CACHE_URL", "rediis://{}", "unsupported scheme. Use rediss:// or redis://"),
        ("REDIS_URL", "{}", "the value has no scheme. Begin it with rediss://, redis://, rediss+sentinel:// or "),
        ("CELERY_RESULT_BACKEND", "reddis://{}", "unsupported scheme. Use rediss:// or redis://"),
        ("CELERY_BROKER_URL", "amqqp://{}", "unsupported scheme. Use amqps:// or amqp://"),
        ("CELERY_BROKER_URL", "localhost:6379/{}", "the value has no scheme. Begin it with rediss://, redis://, "),
    ],
)
def test_a_wrong_scheme_names_those_of_its_service(variable: str, text: str, remedy: str) -> None:
    assert texts({variable: text.format(MARKER)}).startswith(f"{variable}: {remedy}")


_PARTS = {"DB_HOST": "db.example.com", "DB_USER": "app", "DB_NAME": "app"}


@pytest.mark.parametrize(
    ("environ", "note"),
    [
        ({**_PARTS, "DB_PASSWRD": MARKER}, "DB_PASSWRD: is not read beside DB_HOST. Did you mean DB_PASSWORD?"),
        ({**_PARTS, "DB_POOL_SIZE": "5"}, "DB_POOL_SIZE: is not read beside DB_HOST"),
        ({"DATABASE_URL": PG, "REDIS_HOST": "h"}, "REDIS_HOST: is not read. Set REDIS_URL to the whole URL"),
        ({"DATABASE_URL": PG, "RABBITMQ_HOST": "h"}, "RABBITMQ_HOST: is not read. Set RABBITMQ_URL to the whole URL"),
        (
            {"DATABASE_URL": PG.replace("example/", "example:6379/")},
            "DATABASE_URL: has the port of Redis. Correct port or scheme",
        ),
        (
            {"DATABASE_URL": "mysql://app:x@db.example:5432/app"},
            "DATABASE_URL: has the port of PostgreSQL. Correct port or scheme",
        ),
        ({"REDIS_URL": "rediss://h.example:3306"}, "REDIS_URL: has the port of MySQL. Correct port or scheme"),
        ({"DATABASE_URL": PG, "REDIS_URL": "rediss+sentinel://h.example:6379/m", "REDIS_HOST": "h"}, None),
        ({"DATABASE_URL": PG.replace("example/", "example:5433/")}, None),
        ({"DATABASE_URL": "postgresql:///app?host=/tmp&port=3306&user=a"}, None),
        ({**_PARTS, "DB_PORT": "3306", "DB_ENGINE": "postgresql"}, None),
    ],
)
def test_a_note_says_what_was_probably_meant(environ: dict[str, str], note: str | None) -> None:
    codes = {"part-unused", "port-unusual"}
    found = [str(each) for each in select_services(environ, None).report.notes if each.code in codes]
    assert dict.fromkeys(found) == dict.fromkeys([note] if note else [])


def test_provenance_shows_the_alias_chain() -> None:
    report = select_services({"DATABASE_URL": "$A", "A": "$B", "B": PG}, None).report
    assert str(report.services["database"].origin) == "DATABASE_URL -> A -> B"


def test_remedy_of_a_private_ca_is_the_providers_own() -> None:
    host = "my-db.postgresql.a.osc-fr1.scalingo-dbs.com"
    assert "ca_certificate" in texts({"DATABASE_URL": f"postgres://u:p@{host}/d?sslmode=verify-full"})

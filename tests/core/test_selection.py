"""Which variable is believed: conflicts, duplicates, parts, siblings, and the variable that settles it."""

from __future__ import annotations

import time

import pytest

import envconn
from envconn import EndpointUnavailable
from envconn.records import replace
from envconn.selection import select_services
from envconn.selection.conflicts import choose
from envconn.selection.host_variables import FAMILIES
from envconn.selection.variables import DEFAULTS, SIBLINGS, is_read
from envconn.services import parse
from leaks import MARKER

PG = f"postgresql://app:{MARKER}@db.example/app"
OTHER = f"postgresql://app:{MARKER}@other.example/app"
NEON = f"postgresql://app:{MARKER}@ep-a-pooler.eu-central-1.aws.neon.tech/app"


@pytest.mark.parametrize(
    ("other", "difference", "why"),
    [
        (f"postgresql://app:{MARKER}@other.example/app", "on other.example", "another host"),
        (f"postgresql://app:{MARKER}@db.example,other.example/app", "on db.example,other.example", "one host more"),
        (f"postgresql://app:{MARKER}@db.example:6543/app", "same host, different port", "pooled and direct"),
        (f"postgresql://root:{MARKER}@db.example/app", "same host, different user", "another role"),
        (f"postgresql://app:{MARKER}@db.example/other", "same host, different dbname", "another database"),
        (f"postgresql://app:{MARKER}2@db.example/app", "same host, different password", "a rotation half done"),
        ("postgresql://app@db.example/app", "same host, different password", "none at all"),
        (f"{PG}?hostaddr=10.0.0.1", "same host, different hostaddr", "dialled elsewhere"),
        (f"postgresql://root:{MARKER}@db.example/other", "same host, different user and dbname", "two differences"),
        (f"mysql://app:{MARKER}@db.example:5432/app", "same host, different protocol", "another engine"),
    ],
    ids=lambda value: value if " " in value and "postgresql:" not in value else "",
)
def test_conflict(other: str, difference: str, why: str) -> None:
    choice = choose([parse(PG, "A_URL"), parse(other, "B_URL")], "ENVCONN_DATABASE_VARIABLE")
    assert choice.connection is None, why
    (problem,) = choice.problems
    assert (problem.code, problem.variable) == ("variable-conflict", "A_URL")
    assert f"B_URL ({difference}): " in problem.message
    assert "ENVCONN_DATABASE_VARIABLE=A_URL" in problem.message
    assert MARKER not in problem.message


def test_sentinels_of_two_masters_differ() -> None:
    one, other = (parse(f"rediss+sentinel://:p@one.example:26379/{name}", name) for name in ("a", "b"))
    (problem,) = choose([one, other], None).problems
    assert "conflicts with b (same host, different master): " in problem.message


def test_what_was_fetched_is_named_with_its_place() -> None:
    one, other = (parse(each, "URL") for each in (PG, OTHER))
    origins = [replace(each.origin, source="aws-secrets-manager", path="shop") for each in (one, other)]
    connections = [replace(each, origin=origin) for each, origin in zip((one, other), origins, strict=True)]
    (problem,) = choose(connections, None).problems
    assert problem.message.count(", from AWS Secrets Manager shop") == 2


@pytest.mark.parametrize(
    ("other", "used", "code"),
    [
        (PG, "A_URL", "variable-duplicate"),
        (f"{PG}?sslmode=prefer", "A_URL", "variable-duplicate"),
        (PG.replace("db.example", "DB.Example:5432"), "A_URL", "variable-duplicate"),
        (PG.replace("postgresql:", "postgres:"), "A_URL", "variable-duplicate"),
        (f"host=db.example user=app password={MARKER} dbname=app", "A_URL", "variable-duplicate"),
        (f"{PG}?sslmode=disable", "A_URL", "variable-duplicate-weaker"),
        (f"{PG}?sslmode=require", "B_URL", "variable-duplicate-weaker"),
    ],
)
def test_same_target(other: str, used: str, code: str) -> None:
    choice = choose([parse(PG, "A_URL"), parse(other, "B_URL")], "ENVCONN_DATABASE_VARIABLE")
    assert choice.connection
    assert choice.connection.origin.variable == used
    (note,) = choice.notes
    assert (note.code, used in note.message) == (code, True)


def test_three_variables_are_reported_together() -> None:
    choice = choose([parse(PG, "A"), parse(OTHER, "B"), parse(f"{OTHER}2", "C"), parse(PG, "D")], None)
    (problem,) = choice.problems
    assert problem.message == (
        "conflicts with B (on other.example) and C (on other.example): this one is on db.example. Remove all but one"
    )


def codes(environ: dict[str, str]) -> tuple[list[str], list[str]]:
    report = select_services(environ, None).report
    assert MARKER not in f"{report}"
    return [problem.code for problem in report.problems], [note.code for note in report.notes]


@pytest.mark.parametrize(
    ("environ", "problems", "why"),
    [
        ({"ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"}, ["chosen-variable-missing"], "names nothing that is there"),
        ({"ENVCONN_DATABASE_VARIABLE": "database_url", "DATABASE_URL": PG}, ["chosen-variable-missing"],
         "names have a case"),
        ({"ENVCONN_DATABASE_VARIABLE": PG, "DATABASE_URL": PG}, ["chosen-variable-missing"],
         "a value, not a name; not shown"),
        ({"ENVCONN_DATABASE_VARIABLE": "$X", "X": "DATABASE_URL", "DATABASE_URL": PG}, ["chosen-variable-missing"],
         "no alias"),
        ({"ENVCONN_DATABASE_VARIABLE": "X", "X": " ", "DATABASE_URL": PG}, ["chosen-variable-missing"],
         "blank is not set"),
        ({"ENVCONN_DATABASE_VARIABLE": "X", "X": "", "FOO_DATABASE_URL": PG}, ["chosen-variable-missing"],
         "also beside others"),
        ({"ENVCONN_DATABASE_VARIABLE": "DB_HOST", "DB_HOST": " ", "DATABASE_URL": PG}, ["chosen-variable-missing"],
         "blank too"),
        ({"ENVCONN_DATABASE_VARIABLE": "PATH", "PATH": "/bin"}, ["scheme-missing"], "not a database"),
        ({"ENVCONN_DATABASE_VARIABLE": "X", "X": "$Y", "DATABASE_URL": PG}, ["alias-missing"], "leads nowhere"),
        ({"DATABASE_URL": PG, "PG_URL": "x"}, ["scheme-missing"], "no choice while a candidate cannot be read"),
        ({"DATABASE_URL": PG, "DATABASE_DATABASE_URL": OTHER}, ["service-duplicate"], "two would be called database"),
        ({"DATABASE_URL": PG, "BLUE_DATABASE_URL": PG, "HEROKU_POSTGRESQL_BLUE_URL": OTHER}, ["service-duplicate"],
         "two would be called blue"),
        ({"DIRECT_URL": "x"}, ["scheme-missing"], "a sibling that cannot be read"),
        ({"DATABASE_URL": PG, "DATABASE_REPLICA_URLS": "$X"}, ["alias-missing"], "a list that leads nowhere"),
        ({"DATABASE_URL": PG, "DATABASE_REPLICA_URL": f"{OTHER}?sslmode=disable"}, ["tls-disabled"], "siblings, too"),
        ({"DATABASE_URL": PG, "ENVCONN_PROVIDER": "nobody"}, ["provider-unknown"], "not a provider"),
        ({"DATABASE_URL": PG, "ENVCONN_POOL_MODE": "statement"}, ["pooler-unknown"], "not a mode"),
        ({"DATABASE_URL": PG, "DIRECT_URL": PG, "DATABASE_URL_UNPOOLED": OTHER}, ["variable-conflict"],
         "two direct endpoints"),
        ({"DATABASE_HOST": "a", "DATABASE_USER": "u", "DATABASE_NAME": "d",
          "DB_HOST": "b", "DB_USER": "u", "DB_NAME": "d"}, ["variable-conflict"], "two families of parts"),
        ({"DB_HOST": "h"}, ["user-missing", "dbname-missing"], "all that is missing"),
        ({"PGHOST": "h", "PGDATABASE": "d"}, ["user-missing"], "the process's user says nothing elsewhere"),
        ({"DB_HOST": "h", "DB_USER": "u", "DB_NAME": "d", "DB_PORT": "x"}, ["port-invalid"], "the grammar's own rules"),
        ({"DB_HOST": "h", "DB_USER": "u", "DB_NAME": "d", "DB_PASSWORD_FILE": "/nowhere"}, ["file-missing"], "a file"),
        (
            {"PGHOST": "h", "PGUSER": "u", "PGDATABASE": "d", "PGSSLMODE": "x"},
            ["sslmode-unknown"],
            "no mode",
        ),
        ({"PGHOST": "h", "PGUSER": "u", "PGDATABASE": "d", "PGSSLMODE": "disable"}, ["tls-disabled"], "refused"),
    ],
)  # fmt: skip
def test_refused(environ: dict[str, str], problems: list[str], why: str) -> None:
    assert codes(environ)[0] == problems, why


@pytest.mark.parametrize(
    ("environ", "origin", "notes"),
    [
        ({"ENVCONN_DATABASE_VARIABLE": "MINE", "MINE": PG, "DATABASE_URL": OTHER}, "MINE", ["variable-not-chosen"]),
        (
            {"ENVCONN_DATABASE_VARIABLE": " DATABASE_URL\n", "PG_URL": OTHER, "DATABASE_URL": PG},
            "DATABASE_URL",
            ["variable-not-chosen"],
        ),
        (
            {"ENVCONN_DATABASE_VARIABLE": "DB_HOST", "DB_HOST": "h.eu", "DB_USER": "u", "DB_NAME": "d", "PGHOST": "x"},
            "DB_HOST",
            ["variable-not-chosen", "pg-variable-ignored"],
        ),
        ({"ENVCONN_DATABASE_VARIABLE": "PGHOST", "PGHOST": "h.eu", "PGUSER": "u", "PGDATABASE": "d"}, "PGHOST", []),
        (
            {"DATABASE_URL": PG, "PGHOSTADDR": "10.0.0.1", "PGSERVICEFILE": "x"},
            "DATABASE_URL",
            ["pg-variable-ignored"] * 2,
        ),
        ({"DATABASE_URL": "mysql://u:p@localhost/d", "PGHOSTADDR": "10.0.0.1"}, "DATABASE_URL", []),
    ],
    ids=["any-name", "trimmed", "parts", "pg-parts", "overruled", "mysql"],
)
def test_chosen(environ: dict[str, str], origin: str, notes: list[str]) -> None:
    report = select_services(environ, None).report
    assert report.ok
    assert report.services["database"].origin.variable == origin
    assert [note.code for note in report.notes] == notes


@pytest.mark.parametrize("variable", ["PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS", "PGHOSTADDR", "PGOPTIONS"])
def test_what_libpq_alone_would_use_is_noted_beside_any_text(variable: str) -> None:
    report = select_services({"SHOP_DATABASE_URL": PG, variable: "x"}, None).report
    (found,) = [note for note in report.notes if note.code == "pg-variable-ignored"]
    assert (found.variable, "has no effect on SHOP_DATABASE_URL" in found.message) == (variable, True)


@pytest.mark.parametrize("leader", FAMILIES)
def test_parts_are_verbatim(leader: str) -> None:
    """T16: no encoding, no quoting, whatever the characters are."""
    keywords = {"host": "h", "port": "6543", "dbname": "d b", "user": "u'\\", "password": "p@ss/w#rd? '\\%41${b}"}
    environ: dict[str, str] = {}
    for name, keyword in FAMILIES[leader].items():
        if keyword in keywords:
            environ[name] = keywords.pop(keyword)
    service = select_services(environ, None).report.services["database"]
    assert (service.host, service.port, service.dbname, service.user) == ("h", 6543, "d b", "u'\\")
    assert service.password
    assert service.password.reveal() == "p@ss/w#rd? '\\%41${b}"
    assert service.origin.variable == leader


def test_first_of_two_parts_for_one_keyword_counts() -> None:
    environ = {"DB_HOST": "h", "DB_USER": "first", "DB_USERNAME": "second", "DB_NAME": "d"}
    assert select_services(environ, None).report.services["database"].user == "first"


def test_pg_parts_carry_every_keyword_that_libpq_would_read() -> None:
    environ = {"PGHOST": "h", "PGUSER": "u", "PGDATABASE": "d", "PGAPPNAME": "a", "PGOPTIONS": "-c x=1"}
    service = select_services(environ, None).report.services["database"]
    assert dict(service.parameters) == {"application_name": "a", "options": "-c x=1"}


def test_siblings_belong_to_a_role() -> None:
    assert set(SIBLINGS.values()) == {"direct", "pooled", "replica", "private", "public"}
    assert not set(SIBLINGS) & set(DEFAULTS)
    assert codes({"DATABASE_URL": PG, "DIRECT_URL": OTHER, "DATABASE_URL_UNPOOLED": OTHER}) == (
        [],
        ["variable-duplicate"],
    )


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        ({"DIRECT_URL": PG}, "DIRECT_URL"),
        ({"DATABASE_REPLICA_URL": PG, "DATABASE_CONNECTION_POOL_URL": OTHER}, "DATABASE_CONNECTION_POOL_URL"),
        ({"DATABASE_REPLICA_URL": PG}, "DATABASE_REPLICA_URL"),
    ],
    ids=["direct", "pooled-before-replica", "replica"],
)
def test_sibling_alone_is_the_database(environ: dict[str, str], origin: str) -> None:
    report = select_services(environ, None).report
    assert report.ok
    assert report.services["database"].origin.variable == origin


def test_pooled_and_direct_endpoint_of_one_database_are_no_conflict() -> None:
    services = select_services({"DATABASE_URL": NEON, "POSTGRES_URL": NEON.replace("-pooler", "")}, None).services
    assert services["database"].pooled
    assert services["database"].endpoint(pooled=False).origin.variable == "POSTGRES_URL"


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_REPLICA_URLS": f"{OTHER}, {PG.replace('db.', 'third.')}"},
        {"DATABASE_URL_REPLICA_1": OTHER, "DATABASE_URL_REPLICA_2": PG.replace("db.", "third.")},
        {"DATABASE_REPLICA_URLS": f"postgresql://app:a,b@other.example/app,{PG.replace('db.', 'third.')}"},
    ],
    ids=["list", "numbers", "comma-in-a-password"],
)
def test_replicas(environ: dict[str, str]) -> None:
    """T120: by list or by number; a comma splits only in front of another scheme."""
    selection = select_services({"DATABASE_URL": PG, **environ}, None)
    assert selection.report.ok
    assert selection.services["database"].endpoint(replica=True).host == "other.example"
    assert len(selection.services["database"]._judgement.context.siblings) == 2


def test_colours_of_heroku() -> None:
    """T19: another database by its colour, unless it is the default one once more."""
    selection = select_services(
        {"DATABASE_URL": PG, "HEROKU_POSTGRESQL_RED_URL": PG, "HEROKU_POSTGRESQL_BLUE_URL": OTHER}, None
    )
    assert list(selection.services) == ["database", "blue"]
    assert [note.code for note in selection.report.notes] == ["variable-duplicate"]


def test_names_that_are_nearly_one() -> None:
    near = ("_DATABASE_URL", "lower_DATABASE_URL", "X_DATABASE_URL_OLD", "HEROKU_POSTGRESQL_URL", "A-B_DATABASE_URL")
    assert list(select_services({"DATABASE_URL": PG, **dict.fromkeys(near, OTHER)}, None).services) == ["database"]


@pytest.mark.parametrize(
    ("url", "problems", "notes"),
    [
        (f"{NEON}?options=-c%20x%3D1", ["options-pooled"], []),
        (f"{NEON}?options=endpoint%3Dep-a-pooler", [], ["tls-better"]),
        (f"postgresql://postgres.b1:{MARKER}@us-east-2.pg.psdb.cloud/d", [], ["default-role", "tls-better"]),
        (f"postgresql://a.b1%7Creplica:{MARKER}@us-east-2.pg.psdb.cloud:6432/d", ["replica-pooled"], []),
    ],
    ids=["options-at-a-pooler", "options-for-the-proxy", "default-role", "no-such-endpoint"],
)
def test_what_the_provider_says(url: str, problems: list[str], notes: list[str]) -> None:
    assert tuple(map(sorted, codes({"DATABASE_URL": url}))) == (problems, notes)


def test_facts_that_cannot_be_seen_are_stated() -> None:
    services = select_services(
        {"DATABASE_URL": PG, "ENVCONN_PROVIDER": "neon", "ENVCONN_POOL_MODE": "session"}, None
    ).services
    assert (services["database"].provider, services["database"].pool_mode) == ("neon", "session")
    with pytest.raises(EndpointUnavailable, match="ENVCONN_POOL_MODE applies to this endpoint"):
        services["database"].endpoint(pooled=False)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("DATABASE_URL", True),
        ("DATABASE_URL_FILE", True),
        ("ANALYTICS_DATABASE_URL", True),
        ("PGHOST", True),
        ("DB_PASSWORD", True),
        ("ENVCONN_ANYTHING", True),
        ("DATABASE_CA_CERT", True),
        ("DEBUG", False),
        ("DATABASE", False),
        ("DATABASE_URLS", False),
        ("MY_ENVCONN_TLS", False),
    ],
)
def test_is_read(name: str, read: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_read(name) is read


@pytest.mark.parametrize("variable", ["DATABASE_REPLICA_URLS", "DATABASE_URL_REPLICA_2", "DATABASE_REPLICA_URL_1"])
def test_replica_is_blamed_on_the_variable_that_holds_it(variable: str) -> None:
    environ = {"DATABASE_URL": PG, variable: f"{OTHER}?sslmode=disable"}
    assert [problem.variable for problem in select_services(environ, None).report.problems] == [variable]
    environ = {"DATABASE_URL": PG, variable: f"{OTHER}?sslmode="}
    assert [problem.variable for problem in select_services(environ, None).report.problems] == [variable]
    replica = select_services({variable: OTHER}, None).services["database"]
    assert (replica.origin.variable, replica.replica) == (variable, True)


def test_long_list_of_nothing_takes_no_longer_than_its_length() -> None:
    before = time.process_time()
    environ = {"DATABASE_URL": PG, "DATABASE_REPLICA_URLS": f"{OTHER}{',' * 40_000}x"}
    assert not select_services(environ, None).report.ok
    assert time.process_time() - before < 4


def test_parts_by_the_names_of_the_postgres_image() -> None:
    environ = {"POSTGRES_HOST": "h", "POSTGRES_USER": "u", "POSTGRES_PASSWORD": "p", "POSTGRES_DB": "d"}
    assert select_services(environ, None).services["database"].dbname == "d"


def test_best_says_where_nothing_is_known() -> None:
    environ = {"DATABASE_URL": PG, "ENVCONN_TLS": "best"}
    assert [note.code for note in select_services(environ, None).report.notes] == ["best-unknown"]
    assert not select_services({**environ, "ENVCONN_TLS": "require"}, None).report.notes


def test_a_chosen_host_that_is_not_set() -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load({"ENVCONN_DATABASE_VARIABLE": "DB_HOST", "DATABASE_URL": "postgresql://h/d"}, env_file=None)
    assert [problem.code for problem in caught.value.problems] == ["chosen-variable-missing"]


def test_another_text_under_a_name_of_aspire_is_no_hint() -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load({"ConnectionStrings__blobs": "UseDevelopmentStorage=true"}, env_file=None)
    assert [(each.code, each.variable) for each in caught.value.problems] == [("database-missing", "DATABASE_URL")]

"""What an env file may say to a connection whose text is in the process environment: nothing that lowers or redirects.

And what is stated for one service: it concerns no other one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from envconn import Policy
from envconn.selection import select_services
from envconn.selection.variables import FOR_EACH, FOR_EVERY, SERVICES
from envconn.tls.policy import prefix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envconn.report import Report

HOST = "db.example.com"
URL = f"postgresql://app:p@{HOST}/app"
OTHER = "postgresql://app:p@other.example.net/app"
CLEAR = f"{URL}?sslmode=disable"
FULL = f"{URL}?sslmode=verify-full"
REDIS = "rediss://:p@cache.example.com"
HEROKU = "rediss://:p@ec2-1-2-3-4.compute-1.amazonaws.com:7000"
SENTINELS = "rediss+sentinel://:p@one.example.com:26379,two.example.com:26379"
CA = "/etc/ssl/certs/ca-certificates.crt"


def report_of(tmp_path: Path, process: Mapping[str, str], env_file: Mapping[str, str]) -> Report:
    path = tmp_path / ".env"
    path.write_text("".join(f"{name}='{value}'\n" for name, value in env_file.items()), encoding="utf-8")
    return select_services(dict(process), str(path)).report


def shown(report: Report) -> list[object]:
    """What must not change: the endpoints with their levels, and the codes of the problems."""
    endpoints = [each for service in report.services.values() for each in (service, *service.siblings)]
    return [
        *((each.name, *each.hosts, each.tls.level, each.tls.ca, each.provider, each.pool_mode) for each in endpoints),
        *(each.parameters.get("master_name", "") for each in endpoints),
        *sorted(problem.code for problem in report.problems),
    ]


WAIVED = {"ENVCONN_TLS_WAIVE": "*.example.com"}


@pytest.mark.parametrize(
    ("process", "env_file"),
    [
        # waivers
        ({"DATABASE_URL": URL}, WAIVED),
        ({"DATABASE_URL": CLEAR}, WAIVED),
        ({"DATABASE_URL": CLEAR}, {"ENVCONN_DATABASE_TLS_WAIVE": HOST}),
        ({"ANALYTICS_DATABASE_URL": CLEAR}, {"ENVCONN_ANALYTICS_TLS_WAIVE": HOST}),
        ({"DATABASE_URL": URL, "DIRECT_URL": URL.replace("db.", "direct.")}, WAIVED),
        ({"PGHOST": HOST, "PGUSER": "app", "PGDATABASE": "app", "PGSSLMODE": "prefer"}, WAIVED),
        ({"DATABASE_URL": "$MINE", "MINE": URL}, WAIVED),
        ({"REDIS_URL": "redis://:p@cache.example.com"}, WAIVED),
        ({"DATABASE_URL": URL}, {"ENVCONN_TLS_WAIVE": "$HOSTS", "HOSTS": HOST}),
        # CAs
        ({"DATABASE_URL": FULL}, {"ENVCONN_TLS_CA": CA}),
        ({"DATABASE_URL": FULL}, {"ENVCONN_DATABASE_TLS_CA": CA}),
        ({"DATABASE_URL": FULL}, {"DATABASE_CA_CERT": CA}),
        ({"DATABASE_URL": FULL}, {"PGSSLROOTCERT": CA}),
        ({"DATABASE_URL": FULL, "PGSSLROOTCERT": "system"}, {"ENVCONN_TLS_CA": CA}),
        ({"DATABASE_URL": FULL, "DATABASE_CA_CERT": "system"}, {"ENVCONN_DATABASE_TLS_CA": CA}),
        ({"REDIS_URL": REDIS}, {"ENVCONN_TLS_CA": CA}),
        # providers, poolers, masters
        ({"REDIS_URL": HEROKU}, {"ENVCONN_PROVIDER": "heroku"}),
        ({"REDIS_URL": HEROKU}, {"ENVCONN_BROKER_PROVIDER": "heroku", "ENVCONN_CACHE_PROVIDER": "heroku"}),
        ({"DATABASE_URL": URL}, {"ENVCONN_PROVIDER": "neon"}),
        ({"DATABASE_URL": URL}, {"ENVCONN_POOL_MODE": "transaction"}),
        ({"DATABASE_URL": URL}, {"ENVCONN_DATABASE_POOL_MODE": "transaction"}),
        ({"CELERY_BROKER_URL": SENTINELS}, {"ENVCONN_SENTINEL_MASTER": "theirs"}),
        ({"CELERY_BROKER_URL": SENTINELS}, {"ENVCONN_BROKER_SENTINEL_MASTER": "theirs"}),
        # choosers
        ({"DATABASE_URL": URL}, {"ENVCONN_DATABASE_VARIABLE": "MINE", "MINE": OTHER}),
        ({"DATABASE_URL": URL, "MINE": OTHER}, {"ENVCONN_DATABASE_VARIABLE": "MINE"}),
        ({"DATABASE_URL": URL, "POSTGRES_URL": OTHER}, {"ENVCONN_DATABASE_VARIABLE": "POSTGRES_URL"}),
        ({"POSTGRESQLCONNSTR_MAIN": URL}, {"ENVCONN_DATABASE_VARIABLE": "MINE", "MINE": OTHER}),
        ({"REDIS_URL": REDIS}, {"ENVCONN_CACHE_VARIABLE": "MINE", "MINE": "rediss://:p@other.example.net"}),
        ({"CELERY_BROKER_URL": REDIS}, {"ENVCONN_BROKER_VARIABLE": "MINE", "MINE": "amqps://a:p@other.example.net"}),
        # other names for the same service, of whatever rank
        ({"DATABASE_URL": URL}, {"SCALINGO_POSTGRESQL_URL": OTHER}),
        ({"DATABASE_URL": URL, "STAGING": OTHER}, {"SCALINGO_POSTGRESQL_URL": "$STAGING"}),
        ({"PG_URL": URL}, {"DATABASE_URL": OTHER, "POSTGRES_URL": OTHER.replace("other", "third")}),
        ({"DIRECT_URL": URL}, {"DATABASE_URL": OTHER}),
        ({"DATABASE_URL": URL}, {"DIRECT_URL": OTHER}),
        ({"DATABASE_URL": URL}, {"DATABASE_REPLICA_URL": OTHER}),
        ({"ANALYTICS_DATABASE_URL": URL}, {"ANALYTICS_DIRECT_URL": OTHER}),
        ({"POSTGRES_URL": URL}, {"POSTGRESQLCONNSTR_DATABASE_URL": OTHER}),
        ({"POSTGRESQLCONNSTR_MAIN": URL}, {"DATABASE_URL": OTHER}),
        ({"PGHOST": HOST, "PGUSER": "app", "PGDATABASE": "app"}, {"DATABASE_URL": OTHER}),
        ({"DB_HOST": HOST, "DB_USER": "app", "DB_NAME": "app"}, {"SCALINGO_POSTGRESQL_URL": OTHER}),
        ({"REDIS_URL": REDIS}, {"CELERY_BROKER_URL": "amqps://a:p@other.example.net", "CACHE_URL": HEROKU}),
        # parts
        ({"PGHOST": HOST, "PGUSER": "app", "PGDATABASE": "app"}, {"PGPORT": "6000"}),
        ({"PGHOST": HOST, "PGUSER": "app", "PGDATABASE": "app"}, {"PGPASSWORD": "x", "PGHOSTADDR": "203.0.113.9"}),
        ({"PGHOST": HOST, "PGUSER": "app", "PGDATABASE": "app"}, {"PGSSLMODE": "disable"}),
        ({"PGHOST": HOST, "PGUSER": "app", "PGDATABASE": "app", "PGSSLMODE": "verify-full"}, {"PGSSLROOTCERT": CA}),
        ({"DB_HOST": HOST, "DB_USER": "app", "DB_NAME": "app"}, {"DB_SSLMODE": "disable", "DB_PORT": "6000"}),
        # files that it names
        ({"DATABASE_URL": URL}, {"DATABASE_URL_FILE": "other"}),
        ({"DATABASE_URL": URL}, {"POSTGRES_URL_FILE": "other"}),
        ({"DATABASE_URL_FILE": "ours"}, {"DATABASE_URL": OTHER}),
        ({"DATABASE_URL": URL}, {"ENVCONN_SECRETS_DIR": "secrets"}),
    ],
)
def test_an_env_file_lowers_and_redirects_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: Mapping[str, str], env_file: Mapping[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets").mkdir()
    for name, text in {"ours": URL, "other": OTHER, "secrets/POSTGRES_URL": OTHER}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    alone, both = report_of(tmp_path, process, {}), report_of(tmp_path, process, env_file)
    assert shown(both) == shown(alone)
    assert both.problems or {"dotenv-ignored", "source-ignored"} & {note.code for note in both.notes}
    # In the process environment, the same does change something.
    assert shown(report_of(tmp_path, {**env_file, **process}, {})) != shown(alone)


@pytest.mark.parametrize(
    ("process", "env_file", "level"),
    [
        ({}, {"DATABASE_URL": URL, **WAIVED}, "opportunistic"),
        ({}, {"DATABASE_URL": CLEAR, **WAIVED}, "none"),
        (WAIVED, {"DATABASE_URL": CLEAR}, "none"),
        ({**WAIVED, "DATABASE_URL": CLEAR}, {}, "none"),
        ({"DATABASE_URL": URL}, {"ENVCONN_TLS": "require"}, "encrypted"),
        ({"DATABASE_URL": FULL, "DATABASE_CA_CERT": CA}, {"ENVCONN_TLS": "require"}, "verify-full"),
        ({"DATABASE_URL": URL, "PGSSLROOTCERT": CA}, {"ENVCONN_TLS": "verify-full"}, "verify-full"),
        ({"DATABASE_URL": URL, "PGSSLROOTCERT": CA}, {"ENVCONN_DATABASE_TLS": "verify-full"}, "verify-full"),
        (
            {"DATABASE_URL": URL, "PGSSLROOTCERT": CA, "ENVCONN_TLS": "verify-full"},
            {"ENVCONN_DATABASE_TLS": "require"},
            "verify-full",
        ),
        ({"DATABASE_URL": URL, "PGSSLROOTCERT": CA}, {"PGSSLMODE": "verify-full"}, "verify-full"),
        ({}, {"DATABASE_URL": FULL, "ENVCONN_TLS_CA": CA}, "verify-full"),
        ({}, {"PGHOST": HOST, "PGUSER": "app", "PGDATABASE": "app", "PGPASSWORD": "p"}, "encrypted"),
        ({"PGPASSWORD": "p"}, {"DATABASE_URL": URL}, "encrypted"),
    ],
)
def test_an_env_file_raises_and_applies_to_its_own_texts(
    tmp_path: Path, process: Mapping[str, str], env_file: Mapping[str, str], level: str
) -> None:
    report = report_of(tmp_path, process, env_file)
    assert (report.problems, str(report.services["database"].tls.level)) == ((), level)


def test_of_two_cas_that_of_the_process_counts(tmp_path: Path) -> None:
    found = report_of(tmp_path, {"PGSSLROOTCERT": "system"}, {"DATABASE_URL": FULL, "ENVCONN_TLS_CA": CA})
    ca = found.services["database"].tls.ca
    assert ca
    assert (ca.kind, ca.variable) == ("system", "PGSSLROOTCERT")


IN_PARTS = {"DB_HOST": HOST, "DB_USER": "app", "DB_NAME": "app"}
BROKEN = "postgresql://app:p@ss@other.example.net/app"


def _bound(uri: str) -> str:
    return json.dumps({"postgres": [{"name": "main", "credentials": {"uri": uri}}]})


@pytest.mark.parametrize(
    ("process", "env_file"),
    [
        ({"DATABASE_URL": URL}, {"SCALINGO_POSTGRESQL_URL": BROKEN}),
        ({"DATABASE_URL": URL}, {"SCALINGO_POSTGRESQL_URL": "$NOTHING"}),
        ({"DATABASE_URL": URL}, {"POSTGRES_URL": "redis://other.example.net"}),
        ({"DATABASE_URL": URL}, {"POSTGRES_URL_FILE": "/nowhere"}),
        ({"DATABASE_URL": URL}, {"DB_HOST": "other.example.net"}),
        ({"DATABASE_URL": URL}, {**IN_PARTS, "DB_PORT": "x"}),
        ({"DATABASE_URL": URL, "DB_PASSWORD": "p"}, IN_PARTS),
        ({"DATABASE_URL": URL}, {"DIRECT_URL": BROKEN}),
        ({"DATABASE_URL": URL}, {"DIRECT_URL": "redis://other.example.net"}),
        ({"DATABASE_URL": URL}, {"DATABASE_REPLICA_URL": BROKEN}),
        ({"DIRECT_URL": URL}, {"DATABASE_URL": BROKEN}),
        (IN_PARTS, {"DATABASE_URL": BROKEN}),
        ({"ANALYTICS_DATABASE_URL": URL}, {"ANALYTICS_DIRECT_URL": BROKEN}),
        ({"POSTGRESQLCONNSTR_MAIN": URL}, {"DATABASE_URL": BROKEN}),
        ({"REDIS_URL": REDIS}, {"CELERY_BROKER_URL": BROKEN}),
        ({"REDIS_URL": REDIS}, {"CACHE_URL": BROKEN, "KV_URL": "rediss://p@ss@x"}),
        ({"DATABASE_URL": URL}, {"VCAP_SERVICES": "{broken"}),
        ({"DATABASE_URL": URL}, {"VCAP_SERVICES": '{"postgres": 3}'}),
        ({"DATABASE_URL": URL}, {"VCAP_SERVICES": _bound(BROKEN)}),
        ({"DATABASE_URL": URL}, {"VCAP_SERVICES_FILE_PATH": "/nowhere"}),
        ({"DATABASE_URL": URL}, {"PLATFORM_RELATIONSHIPS": "!"}),
        ({"DATABASE_URL": URL}, {"SERVICE_BINDING_ROOT": "/nowhere"}),
        ({"VCAP_SERVICES": _bound(URL)}, {"SERVICE_BINDING_ROOT": "/nowhere"}),
        (IN_PARTS, {"VCAP_SERVICES": "{broken"}),
    ],
)
def test_what_an_env_file_has_wrong_is_a_note_where_it_is_not_used(
    tmp_path: Path, process: Mapping[str, str], env_file: Mapping[str, str]
) -> None:
    alone, both = report_of(tmp_path, process, {}), report_of(tmp_path, process, env_file)
    assert shown(both) == shown(alone)
    assert "dotenv-ignored" in {note.code for note in both.notes}
    assert "p@ss" not in str(both)
    without = {name: text for name, text in process.items() if name == "DB_PASSWORD"}
    assert report_of(tmp_path, without, env_file).problems, "it is wrong"


@pytest.mark.parametrize(
    ("process", "env_file"),
    [
        ({}, {"DATABASE_URL": URL, "SCALINGO_POSTGRESQL_URL": BROKEN}),
        ({"ANALYTICS_DATABASE_URL": URL}, {"DATABASE_URL": BROKEN}),
        ({"DATABASE_URL": URL}, {"ANALYTICS_DATABASE_URL": BROKEN}),
        ({"DATABASE_URL": URL, "SCALINGO_POSTGRESQL_URL": BROKEN}, {}),
        ({"DATABASE_URL": URL}, {"REDIS_URL": BROKEN}),
        ({"DATABASE_URL": URL, "CELERY_BROKER_URL": REDIS}, {"REDIS_URL": BROKEN}),
        ({"DATABASE_URL": URL, "CACHE_URL": REDIS}, {"CELERY_BROKER_URL": BROKEN}),
        ({"REDIS_URL": REDIS}, {"VCAP_SERVICES": "{broken"}),
        ({"DATABASE_URL": URL, "VCAP_SERVICES": "{broken"}, {}),
        ({"DATABASE_URL": URL}, {"ENVCONN_SECRETS_DIR": "/nowhere"}),
    ],
)
def test_what_is_wrong_is_a_problem_where_nothing_takes_its_place(
    tmp_path: Path, process: Mapping[str, str], env_file: Mapping[str, str]
) -> None:
    assert report_of(tmp_path, process, env_file).problems


@pytest.mark.parametrize("variable", ["ENVCONN_SECRETS_DIR", "CREDENTIALS_DIRECTORY"])
def test_a_mounted_secret_is_used_before_an_env_file(tmp_path: Path, variable: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "database_url").write_text(URL, encoding="utf-8")
    report = report_of(tmp_path, {variable: str(tmp_path / "secrets")}, {"DATABASE_URL": OTHER, **WAIVED})
    assert [(service.host, str(service.tls.level)) for service in report.services.values()] == [(HOST, "encrypted")]
    assert {note.variable for note in report.notes if note.code == "dotenv-ignored"} == {
        "DATABASE_URL",
        "ENVCONN_TLS_WAIVE",
    }


@pytest.mark.parametrize(
    ("process", "env_file", "code", "message"),
    [
        ({"DATABASE_URL": CLEAR}, WAIVED, "tls-disabled", "ENVCONN_TLS_WAIVE in the process environment"),
        ({"DATABASE_URL": FULL}, {"DATABASE_CA_CERT": CA}, "ca-missing", "DATABASE_CA_CERT in the process environment"),
        ({"PGHOST": HOST, "PGDATABASE": "app"}, {"PGUSER": "app"}, "user-missing", "Set both in the same place"),
        ({"DB_HOST": HOST, "DB_USER": "app"}, {"DB_NAME": "app"}, "dbname-missing", "Set both in the same place"),
        ({"DB_PASSWORD": "p"}, IN_PARTS, "password-redirected", "Set both in the same place"),
        ({"PGPASSWORD": "p"}, IN_PARTS, "password-redirected", "Set both in the same place"),
        ({"PGPASSWORD": "p"}, {"DATABASE_URL": f"postgresql://app@{HOST}/app"}, "password-redirected", "env:1 names"),
    ],
)
def test_a_remedy_says_where(
    tmp_path: Path, process: Mapping[str, str], env_file: Mapping[str, str], code: str, message: str
) -> None:
    (problem,) = report_of(tmp_path, process, env_file).problems
    assert (problem.code, message in problem.message) == (code, True), problem
    assert report_of(tmp_path, {**process, **env_file}, {}).ok, "the remedy works"


@pytest.mark.parametrize(
    ("env_file", "code", "variable", "message"),
    [
        ({"PGSSLMODE": "verify-full"}, "ca-missing", "DATABASE_URL", "set by PGSSLMODE ({place}:1), requires a CA"),
        ({"ENVCONN_DATABASE_TLS": "verify-ca"}, "ca-missing", "DATABASE_URL", "ENVCONN_DATABASE_TLS ({place}:1)"),
        ({"PGSSLMODE": "verify"}, "policy-unknown", "PGSSLMODE", "expected one of"),
        ({"PGREQUIREAUTH": "scram"}, "policy-unknown", "PGREQUIREAUTH", "expected methods"),
        ({"PGSSLNEGOTIATION": "at once"}, "policy-unknown", "PGSSLNEGOTIATION", "expected one of"),
    ],
)
def test_a_demand_that_cannot_be_met_stops_also_what_is_more_trusted(
    tmp_path: Path, env_file: Mapping[str, str], code: str, variable: str, message: str
) -> None:
    """An env file may raise. To go on with less than it asks for would make its demands a matter of luck."""
    (problem,) = report_of(tmp_path, {"DATABASE_URL": URL}, env_file).problems
    assert (problem.code, problem.variable) == (code, variable)
    assert message.format(place=tmp_path / ".env") in problem.message


@pytest.mark.parametrize(
    ("process", "env_file", "found"),
    [
        ({"ENVCONN_TLS": "rubbish"}, {}, [("policy-unknown", "ENVCONN_TLS")]),
        ({"ENVCONN_SHOP_TLS": "rubbish"}, {"SHOP_DATABASE_URL": URL}, [("policy-unknown", "ENVCONN_SHOP_TLS")]),
        ({"DATABASE_URL": URL}, {"ENVCONN_TLS_WAIVE": ".x"}, [("waiver-malformed", "ENVCONN_TLS_WAIVE")]),
        ({"DATABASE_URL": URL}, {"ENVCONN_TLS_WAIVE": "*"}, [("waiver-too-wide", "ENVCONN_TLS_WAIVE")]),
        ({"DATABASE_URL": URL, "ENVCONN_TLS_FILE": "/nowhere"}, {}, [("file-missing", "ENVCONN_TLS_FILE")]),
        ({"DATABASE_URL": URL, "ENVCONN_TLS": "$NOWHERE"}, {}, [("alias-missing", "ENVCONN_TLS")]),
        ({"DATABASE_URL": URL, "ENVCONN_DATABASE_TLS": "$NOWHERE"}, {}, [("alias-missing", "ENVCONN_DATABASE_TLS")]),
    ],
)
def test_what_is_stated_wrongly_is_a_problem_whether_or_not_it_is_used(
    tmp_path: Path, process: Mapping[str, str], env_file: Mapping[str, str], found: list[tuple[str, str]]
) -> None:
    problems = report_of(tmp_path, process, env_file).problems
    assert [(problem.code, problem.variable) for problem in problems] == found


@pytest.mark.parametrize("variables", [{"ENVCONN_TLS": "require"}, {"ENVCONN_TLS_WAIVE": "*.internal"}])
def test_what_is_used_is_not_noted_as_ignored(tmp_path: Path, variables: Mapping[str, str]) -> None:
    report = report_of(tmp_path, {"DATABASE_URL": URL, **variables}, {"ENVCONN_TLS_CA": CA})
    assert [note.variable for note in report.notes if note.code == "dotenv-ignored"] == ["ENVCONN_TLS_CA"]


def test_what_lowers_is_shown_with_file_and_line(tmp_path: Path) -> None:
    report = report_of(tmp_path, {}, {"DATABASE_URL": URL, **WAIVED})
    assert f"because ENVCONN_TLS_WAIVE ({tmp_path}/.env:2) has *.example.com" in str(report)
    report = report_of(tmp_path, {}, {"DATABASE_URL": URL, "ENVCONN_PROVIDER": "neon", "ENVCONN_POOL_MODE": "session"})
    assert f"ENVCONN_POOL_MODE ({tmp_path}/.env:3) states" in str(report)
    report = report_of(tmp_path, {"PGSSLROOTCERT": CA, "DATABASE_URL": URL}, {"ENVCONN_DATABASE_TLS": "verify-full"})
    assert f"the minimum set by ENVCONN_DATABASE_TLS ({tmp_path}/.env:1)" in str(report)
    report = report_of(tmp_path, {"PGSSLROOTCERT": CA, "DATABASE_URL": URL}, {"PGSSLMODE": "verify-full"})
    assert f"the minimum set by PGSSLMODE ({tmp_path}/.env:1)" in str(report)


def test_each_input_is_shown_with_its_place(tmp_path: Path) -> None:
    url = f"{FULL}&hostaddr=203.0.113.9"
    report = report_of(tmp_path, {}, {"MINE": url, "ENVCONN_DATABASE_VARIABLE": "MINE", "DATABASE_CA_CERT": CA})
    text = str(report)
    assert f"{HOST}:5432 (hostaddr 203.0.113.9)" in text
    assert f"named by DATABASE_CA_CERT ({tmp_path}/.env:3)" in text
    assert (
        f"note ENVCONN_DATABASE_VARIABLE: chooses the variable to use, in {tmp_path}/.env:2 [variable-chosen]" in text
    )
    assert "named by DATABASE_CA_CERT" in str(
        select_services({"DATABASE_URL": FULL, "DATABASE_CA_CERT": CA}, None).report
    )
    report = report_of(tmp_path, {}, {"DATABASE_URL": URL, "ENVCONN_DATABASE_PROVIDER": "neon"})
    assert f"ENVCONN_DATABASE_PROVIDER ({tmp_path}/.env:2) states Neon" in str(report)


RAILWAY = "x.proxy.rlwy.net:3306"
AIVEN = "rediss://u:p@cache-proj.aivencloud.com:1234"


@pytest.mark.parametrize(
    ("environ", "message", "remedied"),
    [
        ({"CACHE_URL": AIVEN}, "in ENVCONN_TLS_CA", {"ENVCONN_TLS_CA": CA}),
        ({"CACHE_URL": AIVEN, "DATABASE_CA_CERT": CA}, "in ENVCONN_TLS_CA", {"ENVCONN_TLS_CA": CA}),
        (
            {"DATABASE_URL": f"mysql://u:p@{RAILWAY}/a?ssl-mode=VERIFY_IDENTITY", "ENVCONN_PROVIDER": "railway"},
            "Use ssl-mode=REQUIRED:",
            {"DATABASE_URL": f"mysql://u:p@{RAILWAY}/a?ssl-mode=REQUIRED"},
        ),
        (
            {"DATABASE_URL": f"mysql://u:p@{RAILWAY}/a", "ENVCONN_PROVIDER": "railway", "ENVCONN_TLS": "verify-full"},
            "Use ssl-mode=REQUIRED, and set ENVCONN_DATABASE_TLS=require",
            {"DATABASE_URL": f"mysql://u:p@{RAILWAY}/a?ssl-mode=REQUIRED", "ENVCONN_DATABASE_TLS": "require"},
        ),
        (
            {"A_DATABASE_URL": f"postgresql://u:p@{RAILWAY}/a", "ENVCONN_TLS": "verify-ca"},
            "Use sslmode=require, and set ENVCONN_A_TLS=require",
            {"A_DATABASE_URL": f"postgresql://u:p@{RAILWAY}/a?sslmode=require", "ENVCONN_A_TLS": "require"},
        ),
        (
            {"DATABASE_URL": f"postgresql://u:p@{RAILWAY}/a", "PGSSLMODE": "verify-full"},
            "Use sslmode=require, and set PGSSLMODE=require",
            {"PGSSLMODE": "require"},
        ),
        ({"DATABASE_URL": FULL}, "or set DATABASE_CA_CERT", {"DATABASE_CA_CERT": CA}),
    ],
)
def test_a_remedy_works_under_the_same_policy(
    environ: Mapping[str, str], message: str, remedied: Mapping[str, str]
) -> None:
    (problem,) = select_services(environ, None).report.problems
    assert message in problem.message
    assert select_services({**environ, **remedied}, None).report.ok


def test_a_self_signed_redis_under_verify_full() -> None:
    environ = {"CACHE_URL": HEROKU, "ENVCONN_TLS": "verify-full"}
    report = select_services(environ, None).report
    (note,) = report.notes
    assert note.message.endswith(
        "Set ENVCONN_PROVIDER=heroku, or add ssl_cert_reqs=none, and set ENVCONN_CACHE_TLS=require"
    )
    for words in ({"ENVCONN_PROVIDER": "heroku"}, {"CACHE_URL": f"{HEROKU}?ssl_cert_reqs=none"}):
        found = select_services({**environ, **words, "ENVCONN_CACHE_TLS": "require"}, None)
        assert str(found.services["cache"].tls.level) == "encrypted"
    (note,) = select_services({"CACHE_URL": HEROKU}, None, Policy(tls="verify-full")).report.notes
    assert note.message.endswith('and pass Policy(tls="require")')


BOTH = {"DATABASE_URL": URL, "ANALYTICS_DATABASE_URL": URL.replace("db.", "two.")}


@pytest.mark.parametrize(
    ("environ", "levels"),
    [
        ({**BOTH}, ("encrypted", "encrypted")),
        ({**BOTH, "ENVCONN_DATABASE_TLS": " "}, ("encrypted", "encrypted")),
        ({**BOTH, "ENVCONN_DATABASE_TLS": "verify-full", "PGSSLROOTCERT": CA}, ("verify-full", "verify-ca")),
        ({**BOTH, "ENVCONN_ANALYTICS_TLS_WAIVE": "*.example.com"}, ("encrypted", "opportunistic")),
        ({**BOTH, "ENVCONN_ANALYTICS_TLS_CA": CA}, ("encrypted", "verify-ca")),
        (
            {**BOTH, "ENVCONN_TLS": "verify-full", "ENVCONN_TLS_CA": CA, "ENVCONN_ANALYTICS_TLS": "require"},
            ("verify-full", "verify-ca"),
        ),
        ({**BOTH, "ENVCONN_TLS_WAIVE": "*.com", "ENVCONN_DATABASE_TLS_WAIVE": "x.com"}, ("encrypted", "opportunistic")),
    ],
)
def test_what_is_stated_for_one_service_concerns_it_alone(environ: Mapping[str, str], levels: tuple[str, str]) -> None:
    report = select_services(environ, None).report
    assert report.ok, report
    assert tuple(str(report.services[name].tls.level) for name in ("database", "analytics")) == levels


@pytest.mark.parametrize(
    ("environ", "code", "variable"),
    [
        ({**BOTH, "ENVCONN_ANALYTICS_TLS": "verify"}, "policy-unknown", "ENVCONN_ANALYTICS_TLS"),
        ({**BOTH, "ENVCONN_CACHE_TLS": "verify"}, "policy-unknown", "ENVCONN_CACHE_TLS"),
        ({**BOTH, "ENVCONN_DATABASE_TLS_LOCAL": "never"}, "policy-unknown", "ENVCONN_DATABASE_TLS_LOCAL"),
        ({**BOTH, "ENVCONN_DATABASE_TLS_WAIVE": "*"}, "waiver-too-wide", "ENVCONN_DATABASE_TLS_WAIVE"),
        ({**BOTH, "ENVCONN_DATABASE_TLS_CA": "/nowhere"}, "ca-missing", "ENVCONN_DATABASE_TLS_CA"),
        ({**BOTH, "ENVCONN_DATABASE_PROVIDER": "nobody"}, "provider-unknown", "ENVCONN_DATABASE_PROVIDER"),
        ({**BOTH, "ENVCONN_BROKER_POOL_MODE": "pool"}, "pooler-unknown", "ENVCONN_BROKER_POOL_MODE"),
        ({**BOTH, "ENVCONN_OTHER_TLS": "require"}, "envconn-variable-unknown", "ENVCONN_OTHER_TLS"),
        (
            {**BOTH, "CELERY_BROKER_URL": SENTINELS, "ENVCONN_BROKER_SENTINEL_MASTER": "a/b"},
            "sentinel-master",
            "ENVCONN_BROKER_SENTINEL_MASTER",
        ),
        (
            {"A_B_DATABASE_URL": URL, "POSTGRESQLCONNSTR_a-b": OTHER, "ENVCONN_A_B_TLS_WAIVE": "x"},
            "envconn-variable-ambiguous",
            "ENVCONN_A_B_TLS_WAIVE",
        ),
    ],
)
def test_what_is_wrong_for_one_service_names_its_variable(environ: Mapping[str, str], code: str, variable: str) -> None:
    assert {(problem.code, problem.variable) for problem in select_services(environ, None).report.problems} == {
        (code, variable)
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENVCONN_ANALYTICS_TLS", "verify"),
        ("ENVCONN_ANALYTICS_TLS_WAIVE", "*"),
        ("ENVCONN_ANALYTICS_TLS_CA", "/nowhere"),
        ("ENVCONN_ANALYTICS_PROVIDER", "nobody"),
        ("ENVCONN_ANALYTICS_TLS_FILE", "/nowhere"),
    ],
)
def test_what_is_wrong_for_one_service_refuses_it_alone(variable: str, value: str) -> None:
    report = select_services({**BOTH, variable: value}, None).report
    assert ([*report.services], [*report.refused]) == (["database"], ["analytics"])
    assert {problem.service for problem in report.problems} == {"analytics"}
    assert report.only("database").ok
    assert report.only("analytics").problems == report.problems == report.about(["databases"])
    assert report.about(["broker"]) == ()


@pytest.mark.parametrize(("variable", "value"), [("ENVCONN_TLS", "verify"), ("PGSSLMODE", "x"), ("ENVCONN_TSL", "x")])
def test_what_is_wrong_for_every_service_refuses_all(variable: str, value: str) -> None:
    report = select_services({**BOTH, variable: value}, None).report
    for name in BOTH:
        only = report.only(name.removesuffix("_URL").removesuffix("_DATABASE").lower())
        assert [problem.variable for problem in only.problems] == [variable]
    assert report.about(["broker"]) == report.problems


@pytest.mark.parametrize("variable", ["ENVCONN_TLS_CA", "DATABASE_CA_CERT", "PGSSLROOTCERT"])
def test_one_file_for_several_services_refuses_each_of_them(variable: str) -> None:
    broker = {"BROKER_URL": "amqps://app:pw@mq.example.com"}
    report = select_services({**BOTH, **broker, variable: "/nowhere"}, None).report
    refused = {"analytics", "database"} | ({"broker"} if variable == "ENVCONN_TLS_CA" else set())
    assert report.refused.keys() == refused
    assert [(problem.service, problem.variable) for problem in report.problems] == [(None, variable)]
    for name in ("analytics", "broker", "database"):
        assert report.only(name).problems == (report.problems if name in refused else ())
        assert report.about([name]) == report.only(name).problems


def test_what_libpq_cannot_demand_refuses_every_postgresql() -> None:
    others = {"BROKER_URL": "amqps://app:pw@mq.example.com", "SHOP_DATABASE_URL": "mysql://u:p@m.example.com/s"}
    report = select_services({**BOTH, **others, "PGREQUIREAUTH": "x"}, None).report
    assert report.services.keys() == {"broker", "shop"}
    assert report.refused.keys() == {"analytics", "database"}
    assert report.about(["broker"]) == ()
    assert report.only("analytics").problems == report.problems


def test_what_is_wrong_for_a_service_that_is_not_there() -> None:
    report = select_services({**BOTH, "ENVCONN_CACHE_TLS": "verify"}, None).report
    assert (report.problems[0].service, [*report.refused]) == (None, [])
    assert report.only("database").problems == report.problems


def test_facts_for_one_service() -> None:
    environ = {**BOTH, "ENVCONN_ANALYTICS_PROVIDER": "neon", "ENVCONN_DATABASE_POOL_MODE": "session"}
    services = select_services(environ, None).services
    assert (services["database"].provider, services["database"].pool_mode) == (None, "session")
    assert (services["analytics"].provider, services["analytics"].pool_mode) == ("neon", None)
    environ = {"CELERY_BROKER_URL": SENTINELS, "CACHE_URL": SENTINELS, "ENVCONN_SENTINEL_MASTER": "all"}
    services = select_services({**environ, "ENVCONN_CACHE_SENTINEL_MASTER": "own"}, None).services
    assert [services[name].parameters["master_name"] for name in ("broker", "cache")] == ["all", "own"]


def test_a_service_of_the_tests() -> None:
    environ = {"TEST_DATABASE_URL": URL, "ENVCONN_TEST_TLS_WAIVE": HOST, "ENVCONN_TEST_SERVERS": "x"}
    assert str(select_services(environ, None).services["test"].tls.level) == "opportunistic"


def test_no_name_has_two_readings() -> None:
    own = [prefix(name) + word for name in (*SERVICES, "tls", "api", "pytest", "a_tls") for word in FOR_EACH]
    assert len({*own, *FOR_EVERY}) == len(own) + len(FOR_EVERY)


def test_a_program_is_above_all() -> None:
    policy = Policy(waive=["two.example.com"])
    services = select_services({**BOTH, "ENVCONN_DATABASE_TLS_WAIVE": HOST}, None, policy).services
    assert [str(services[name].tls.level) for name in ("database", "analytics")] == ["encrypted", "opportunistic"]
    assert "because Policy.waive has two.example.com" in " ".join(services["analytics"].tls.evidence)

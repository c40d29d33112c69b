"""The guard of envconn_pytest: which sessions are refused, and what is said. Sessions run in this process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from envconn_pytest.guard import objections, pytest_sessionstart
from envconn_pytest.platforms import providers, sample
from leaks import MARKER, failure_surfaces, find

if TYPE_CHECKING:
    from collections.abc import Callable

    Session = Callable[..., pytest.RunResult]

HERE = f"postgresql://app:{MARKER}@localhost:5432/shop"
THERE = f"postgresql://app:{MARKER}@db.example.com/shop"
PRIVATE = f"postgresql://app:{MARKER}@10.1.2.3/shop"


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Run one test in a session with these variables; it ends with exit code 4 if it is refused."""
    pytester.makepyfile("def test_that_would_touch_a_database(): open('touched', 'w').close()")

    def run(*arguments: str, **environ: str) -> pytest.RunResult:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        done = pytester.runpytest_inprocess("-p", "envconn_pytest", *arguments)
        assert (done.ret == pytest.ExitCode.OK) == (pytester.path / "touched").exists()
        assert MARKER not in done.stdout.str() + done.stderr.str()
        return done

    return run


def codes(*allowed: str) -> list[tuple[str, str]]:
    return [(problem.variable, problem.code) for problem in objections(allowed)]


def set_variables(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"DATABASE_URL": " "},
        {"DATABASE_URL": HERE},
        {"DATABASE_URL": HERE.replace("localhost", "127.8.8.8")},
        {"DATABASE_URL": HERE.replace("localhost", "[::1]")},
        {"DATABASE_URL": "postgresql://app@/shop?host=/run/postgresql"},
        {"DATABASE_URL": f"{THERE}?hostaddr=127.0.0.1"},
        {"DATABASE_URL": "sqlite:///test.sqlite3"},
        {"DATABASE_URL": "sqlite:////srv/production/test.sqlite3"},
        {"DATABASE_URL": HERE, "REDIS_URL": "redis://localhost:6379/0", "BROKER_URL": "amqp://localhost/shop"},
        {"ENVCONN_PHASE": "build"},
        *({"DATABASE_URL": f"{HERE}_{word}"} for word in ("test", "products", "olive", "delivery", "lives", "liver")),
    ],
    ids=str,
)
def test_what_is_local_or_nowhere_may_run(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, environ)
    assert codes() == []


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({"DATABASE_URL": THERE}, "DATABASE_URL"),
        ({"DATABASE_URL": PRIVATE}, "DATABASE_URL"),
        ({"DATABASE_URL": HERE.replace("localhost", "localhost,db.example.com")}, "DATABASE_URL"),
        ({"DATABASE_URL": f"{HERE}?hostaddr=192.0.2.1"}, "DATABASE_URL"),
        ({"DATABASE_URL": HERE.replace("localhost", "localhost.example.com")}, "DATABASE_URL"),
        ({"DATABASE_URL": HERE.replace("localhost", "[::ffff:127.0.0.1]")}, "DATABASE_URL"),
        ({"DATABASE_URL": HERE.replace("localhost", "0.0.0.0")}, "DATABASE_URL"),  # noqa: S104 - an address to dial
        ({"DATABASE_URL": "$OTHER", "OTHER": THERE}, "DATABASE_URL"),
        ({"DATABASE_URL": THERE, "ENVCONN_TLS_WAIVE": "db.example.com"}, "DATABASE_URL"),
        ({"DATABASE_URL": HERE, "DIRECT_URL": THERE}, "DIRECT_URL"),
        ({"DATABASE_URL": HERE, "DATABASE_REPLICA_URL": THERE}, "DATABASE_REPLICA_URL"),
        ({"DATABASE_URL": HERE, "DATABASE_REPLICA_URLS": f"{HERE}2,{THERE}"}, "DATABASE_REPLICA_URLS"),
        ({"DATABASE_URL": HERE, "ANALYTICS_DATABASE_URL": THERE}, "ANALYTICS_DATABASE_URL"),
        ({"DATABASE_URL": HERE, "CACHE_URL": "rediss://cache.example.com"}, "CACHE_URL"),
        ({"DATABASE_URL": HERE, "BROKER_URL": "amqps://mq.example.com"}, "BROKER_URL"),
        ({"DATABASE_URL": HERE, "REDIS_URL": "rediss://cache.example.com"}, "REDIS_URL"),
        ({"DATABASE_URL": f"mysql://app:{MARKER}@db.example.com/shop"}, "DATABASE_URL"),
        ({"PGHOST": "db.example.com", "PGUSER": "app", "PGDATABASE": "shop"}, "PGHOST"),
        ({"POSTGRES_HOST": "db.example.com", "POSTGRES_USER": "app", "POSTGRES_DB": "shop"}, "POSTGRES_HOST"),
        # Tunnels that say where they lead to.
        ({"DATABASE_URL": f"postgresql://app:{MARKER}@/shop?host=/cloudsql/a:europe-west1:b"}, "DATABASE_URL"),
        ({"SCALINGO_POSTGRESQL_URL": HERE.replace("5432", "10000")}, "SCALINGO_POSTGRESQL_URL"),
        ({"DATABASE_URL": "$SCALINGO_POSTGRESQL_URL", "SCALINGO_POSTGRESQL_URL": HERE}, "SCALINGO_POSTGRESQL_URL"),
    ],
    ids=str,
)
def test_what_is_neither_local_nor_allowed_may_not(
    environ: dict[str, str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, environ)
    assert codes() == [(variable, "test-remote")]


@pytest.mark.parametrize("provider", providers())
def test_no_platform_may_be_tested_on(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, sample(provider))
    assert {code for _, code in codes()} == (set() if provider == "local" else {"test-remote"})


@pytest.mark.parametrize(
    "name",
    [
        *("prod", "production", "live", "shop_prod", "shop-production", "shop.live", "shopprod", "shopproduction"),
        *("ShopProd", "SHOP_PROD", "prod2", "shop_prod_2", "prod_shop", "live-shop", "eu_live_1", "reproduction"),
    ],
)
def test_a_name_that_looks_like_production_may_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", HERE.replace("shop", name))
    assert codes() == [("DATABASE_URL", "test-production")]
    assert codes(name) == []
    assert codes("localhost", "*.example.com", "test", f"{name}*", f"?{name[1:]}") == [
        ("DATABASE_URL", "test-production")
    ]
    monkeypatch.setenv("DATABASE_URL", f"sqlite:////srv/test/{name}.sqlite3")
    assert [code for _, code in codes()] == ["test-production"]


def test_a_branch_that_looks_like_production_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DATABASE_URL", f"postgresql://app:{MARKER}@eu-central-1.sql.xata.sh/shop:production?sslmode=require"
    )
    host = "eu-central-1.sql.xata.sh"
    assert {problem.message.partition(" has the name")[0] for problem in objections([host])} == {
        "the branch",
        "the database",
    }
    assert codes(host, "production", "shop:production") == []


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("db.example.com", THERE),
        ("DB.EXAMPLE.COM", THERE),
        ("*.example.com", THERE),
        ("10.0.0.0/8", PRIVATE),
        ("10.1.2.3", PRIVATE),
        ("10.1.2.*", PRIVATE),
        ("a:europe-west1:b", f"postgresql://app:{MARKER}@/shop?host=/cloudsql/a:europe-west1:b"),
    ],
)
def test_what_is_allowed_may_run(allowed: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert codes() == [("DATABASE_URL", "test-remote")]
    assert codes("other.example.org", "192.0.2.0/24") == [("DATABASE_URL", "test-remote")]
    assert codes(allowed) == []


def test_a_tunnel_may_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALINGO_POSTGRESQL_URL", HERE)
    assert codes("localhost") == []


@pytest.mark.parametrize("allowed", ["*", "?*", "*.*", "0.0.0.0/0", "::/0", "10.1.2.3/8", "a/b", "[!_]*", "db[1]"])
def test_patterns_that_allow_everything_or_nothing(allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", HERE)
    assert codes("db.example.com", allowed) == [("envconn_allow", "test-pattern")]


# Sessions


def test_a_session_on_a_local_database_runs(session: Session) -> None:
    session(DATABASE_URL=HERE).assert_outcomes(passed=1)


def test_a_refused_session_says_which_variable_and_which_host(session: Session) -> None:
    done = session(DATABASE_URL=THERE)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(
        [
            "ERROR: the tests are not run, because of the databases that they would use:",
            "  DATABASE_URL: is on db.example.com, which is neither local nor allowed for tests. *",
        ]
    )
    assert "Traceback" not in done.stderr.str()


def test_all_objections_are_reported_at_once(session: Session) -> None:
    done = session(DATABASE_URL=f"{THERE}_prod", CACHE_URL="rediss://cache.example.com")
    assert done.stderr.str().count("[test-remote]") == 2
    assert done.stderr.str().count("[test-production]") == 1


@pytest.mark.parametrize(
    "arguments", [["--collect-only"], ["--fulltrace"], ["--showlocals"], ["-x", "-q"], ["--co", "-v"]]
)
def test_it_is_refused_whatever_the_other_options(session: Session, arguments: list[str]) -> None:
    assert session(*arguments, DATABASE_URL=THERE).ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_URL": f"{THERE}_prod?password={MARKER}"},
        {"DATABASE_URL": f"{THERE}?password={MARKER}"},
        {"DATABASE_URL": f"{THERE}?sslmode={MARKER}"},
        {"DATABASE_URL": HERE, "ENVCONN_PYTEST_ALLOW": f"{MARKER}/x"},
        {"SCALINGO_POSTGRESQL_URL": HERE},
        {"DATABASE_URL": MARKER},
    ],
    ids=str,
)
def test_nothing_of_a_refusal_shows_a_password(
    pytester: pytest.Pytester, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, environ)
    session = pytest.Session.from_config(pytester.parseconfigure("-p", "envconn_pytest"))
    with pytest.raises(pytest.UsageError) as failure:
        pytest_sessionstart(session)
    own = {place: text for place, text in failure_surfaces(failure.value).items() if "/_pytest/" not in place}
    assert own
    assert not find(MARKER, own)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_works_with_a_wrong_environment(pytester: pytest.Pytester, arguments: list[str]) -> None:
    pytester.makeini("[pytest]")
    done = pytester.runpytest_inprocess("-p", "envconn_pytest", *arguments)
    assert done.ret == pytest.ExitCode.OK
    assert arguments == ["--version"] or "--envconn-allow=PATTERN" in done.stdout.str()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{THERE}?sslmode=disable", "tls-disabled"),
        (f"{THERE}?sslmode=verify-full", "ca-missing"),
        (f"postgresql://app:{MARKER}@x@db.example.com/shop", "at-unencoded"),
        (f"postgresql://app:x@db.example.com:{MARKER}/shop", "port-invalid"),
        (HERE.replace("localhost", "127.1"), "host-invalid"),
        (HERE.replace("localhost", "db.exa%1b[31mmple.com"), "control-character"),
        (HERE.replace("localhost", "db.example%0Acom"), "control-character"),
        (f"db.example.com/{MARKER}", "scheme-missing"),
        ("$MISSING", "alias-missing"),
    ],
)
def test_an_environment_that_does_not_load_is_refused_with_its_error(session: Session, url: str, code: str) -> None:
    done = session(DATABASE_URL=url)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in done.stderr.str().splitlines() if line.startswith("  DATABASE_URL: ")]
    assert len(lines) == 1
    assert lines[0].endswith(f"[{code}]")
    assert lines[0].isprintable()


def test_the_file_counts_too(session: Session, pytester: pytest.Pytester) -> None:
    (pytester.path / ".env").write_text(f"DATABASE_URL={THERE}\n", encoding="utf-8")
    assert session().ret == pytest.ExitCode.USAGE_ERROR
    assert session(DATABASE_URL=HERE).ret == pytest.ExitCode.OK


def test_what_the_conftest_sets_counts(session: Session, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(f"import os\nos.environ['DATABASE_URL'] = {HERE!r}")
    session(DATABASE_URL=THERE).assert_outcomes(passed=1)


@pytest.mark.parametrize("allowed", ["db.example.com", "other.example.org *.example.com", "a, db.example.com ,b"])
def test_allowed_by_the_configuration_the_environment_or_the_command_line(
    session: Session, pytester: pytest.Pytester, allowed: str
) -> None:
    session(f"--envconn-allow={allowed}", DATABASE_URL=THERE).assert_outcomes(passed=1)
    (pytester.path / "touched").unlink()
    pytester.makeini(f"[pytest]\nenvconn_allow = {allowed}")
    session().assert_outcomes(passed=1)
    (pytester.path / "touched").unlink()
    pytester.makeini("[pytest]\nenvconn_allow =")
    assert session().ret == pytest.ExitCode.USAGE_ERROR
    session(ENVCONN_PYTEST_ALLOW=allowed).assert_outcomes(passed=1)


def test_allowed_by_a_list_in_pyproject(session: Session, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nenvconn_allow = ["a", "*.example.com"]')
    session(DATABASE_URL=THERE).assert_outcomes(passed=1)


def test_the_file_cannot_allow(session: Session, pytester: pytest.Pytester) -> None:
    (pytester.path / ".env").write_text("ENVCONN_PYTEST_ALLOW=db.example.com\n", encoding="utf-8")
    assert session(DATABASE_URL=THERE).ret == pytest.ExitCode.USAGE_ERROR


def test_loaded_by_a_conftest_that_has_imported_it_before(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, where pytest would warn that it cannot rewrite what is there already."""
    monkeypatch.setenv("DATABASE_URL", THERE)
    pytester.makeconftest("from envconn_pytest import sample\npytest_plugins = ['envconn_pytest']\n")
    pytester.makepyfile("def test_it(envconn_environment): assert 'DATABASE_URL' not in envconn_environment")
    command = (sys.executable, "-m", "pytest", "-W", "error")
    pytester.run(*command, "--envconn-allow", "*.example.com").assert_outcomes(passed=1)
    assert pytester.run(*command).ret == pytest.ExitCode.USAGE_ERROR


def test_it_is_not_loaded_without_being_named(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", THERE)
    pytester.makepyfile("import sys\ndef test_it(): assert 'envconn' not in sys.modules")
    pytester.run(sys.executable, "-m", "pytest").assert_outcomes(passed=1)

"""What a project states in its settings: in Django's words, for every alias or for one, and what of it is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from envconn_django import databases
from envconn_django.aliases import last_refused

if TYPE_CHECKING:
    from project import Project

URI = "postgresql://app:marker-password@db.example.com/shop?sslmode=require"
SCALINGO = "postgres://app:marker-password@shop-1.postgresql.a.osc-fr1.scalingo-dbs.com:30000/shop?sslmode=prefer"
POOLED = {"DATABASE_URL": URI, "ENVCONN_POOL_MODE": "transaction"}
MYSQL = "mysql://app:marker-password@localhost/shop"
SITE = Path(__file__).parents[2] / "examples" / "django_site"


def made(environ: dict[str, str] | str, **stated: Any) -> dict[str, dict[str, Any]]:
    given = {"DATABASE_URL": environ} if isinstance(environ, str) else environ
    return databases(envconn.load(given, env_file=None), **stated)


@pytest.mark.parametrize(
    ("uri", "stated", "settings"),
    [
        (URI, {"conn_max_age": 60}, {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}),
        (URI, {"conn_max_age": None}, {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}),
        (URI, {"conn_max_age": 60, "conn_health_checks": False}, {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": False}),
        (URI, {"conn_health_checks": True}, {"CONN_HEALTH_CHECKS": True}),
        (URI, {"atomic_requests": True}, {"ATOMIC_REQUESTS": True}),
        (URI, {"disable_server_side_cursors": True}, {"DISABLE_SERVER_SIDE_CURSORS": True}),
        (URI, {"disable_server_side_cursors": False}, {"DISABLE_SERVER_SIDE_CURSORS": False}),
        (URI, {"test": {"NAME": "other"}}, {"TEST": {"NAME": "other"}}),
        (
            URI,
            {"engine": "django.contrib.gis.db.backends.postgis"},
            {"ENGINE": "django.contrib.gis.db.backends.postgis"},
        ),
        # The provider's limit, and what the URL states.
        (SCALINGO, {"conn_max_age": 3600}, {"CONN_MAX_AGE": 1740}),
        (SCALINGO, {"conn_max_age": None}, {"CONN_MAX_AGE": 1740}),
        (f"{URI}&conn_max_age=5", {"conn_max_age": 60}, {"CONN_MAX_AGE": 5}),
        (f"{URI}&conn_max_age=0", {"conn_max_age": 60}, {"CONN_MAX_AGE": 0}),
        (f"{URI}&atomic_requests=false", {"atomic_requests": True}, {"ATOMIC_REQUESTS": False}),
        (MYSQL, {"conn_max_age": 60}, {"CONN_MAX_AGE": 60}),
        ("sqlite:///x", {"atomic_requests": True}, {"ATOMIC_REQUESTS": True}),
    ],
)
def test_settings(uri: str, stated: dict[str, object], settings: dict[str, object]) -> None:
    entry = made(uri, **stated)["default"]
    assert {name: entry.get(name) for name in settings} == settings
    without = made(uri)["default"]
    assert {name for name in entry if entry[name] != without.get(name)} <= {*settings, "CONN_HEALTH_CHECKS"}


@pytest.mark.parametrize(
    ("uri", "options", "found"),
    [
        (URI, {"connect_timeout": 3}, {"connect_timeout": 3}),
        (URI, {"application_name": "shop"}, {"application_name": "shop"}),
        (URI, {"options": "-c search_path=shop"}, {"options": "-c search_path=shop"}),
        (URI, {"isolation_level": 3, "server_side_binding": True}, {"isolation_level": 3, "server_side_binding": True}),
        (f"{URI}&application_name=mine", {"application_name": "shop"}, {"application_name": "mine"}),
        (MYSQL, {"charset": "utf8mb4", "isolation_level": "serializable"}, {"charset": "utf8mb4"}),
    ],
)
def test_options_are_merged(uri: str, options: dict[str, object], found: dict[str, object]) -> None:
    without, entry = (made(uri, **stated)["default"]["OPTIONS"] for stated in ({}, {"options": options}))
    assert {name: entry[name] for name in found} == found
    assert entry == {**without, **options, **found}


@pytest.mark.parametrize(
    ("environ", "options", "told"),
    [
        *(
            (URI, {name: "marker"}, f"DATABASE_URL: OPTIONS {name} cannot be set in the program")
            for name in (
                "sslmode",
                "sslrootcert",
                "host",
                "hostaddr",
                "dbname",
                "user",
                "password",
                "service",
                "passfile",
            )
        ),
        (URI, {"conninfo": "marker"}, "OPTIONS conninfo cannot be set"),
        (URI, {"connection_factory": object}, "OPTIONS connection_factory cannot be set"),
        (URI, {"require_auth": "none"}, "OPTIONS require_auth cannot be set"),
        (URI, {"of_nobody": 1}, "OPTIONS of_nobody cannot be set"),
        (URI, {"pool": True}, "OPTIONS pool is set by the argument pool. Use databases(pool=True)"),
        (POOLED, {"options": "-c search_path=shop"}, "OPTIONS options is not supported by this pooler"),
        (POOLED, {"prepare_threshold": 5}, "OPTIONS prepare_threshold does not work with this pooler"),
        (MYSQL, {"ssl": {}}, "OPTIONS ssl cannot be set"),
        (MYSQL, {"read_default_file": "marker"}, "OPTIONS read_default_file cannot be set"),
        (MYSQL, {"unix_socket": "marker"}, "OPTIONS unix_socket cannot be set"),
    ],
)
def test_options_that_decide_are_refused(environ: dict[str, str] | str, options: dict[str, object], told: str) -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        made(environ, options=options)
    assert told in str(caught.value)
    assert "marker" not in str(caught.value)


ALL = {
    "DATABASE_URL": URI,
    "DATABASE_REPLICA_URL": URI.replace("db.", "copy."),
    "ANALYTICS_DATABASE_URL": URI.replace("db.", "analytics."),
}
SQLITE = "sqlite:///x"


@pytest.mark.parametrize(
    ("uri", "stated", "told"),
    [
        *(
            (uri, {"aliases": {"absent": {"options": {name: "marker"}}}}, f"aliases['absent']: OPTIONS {name} cannot")
            for uri in (URI, MYSQL, SQLITE)
            for name in ("sslmode", "host", "user", "service", "conninfo", "ssl", "ssl_mode", "read_default_file", "db")
        ),
        *(
            (SQLITE, {"options": {name: "marker"}}, f"options: OPTIONS {name} cannot be set in the program")
            for name in ("sslmode", "hostaddr", "passfile", "dsn", "require_auth", "unix_socket")
        ),
        *(
            (uri, {"pool": {name: "marker"}}, f"pool: {name} would open connections without a TLS check. Remove it")
            for uri in (URI, MYSQL, SQLITE)
            for name in ("conninfo", "connection_class", "kwargs")
        ),
        (SQLITE, {"aliases": {"default": {"options": {"sslmode": "marker"}}}}, "aliases['default']: OPTIONS sslmode"),
        (URI, {"aliases": {"defualt": {}}}, "aliases['defualt']: there is no such alias. Rename it to default"),
        (URI, {"aliases": {"Default": {"conn_max_age": 3}}}, "Rename it to default"),
        (ALL, {"aliases": {"analytic": {}}}, "Rename it to analytics"),
        (ALL, {"aliases": {"replcia": {}}}, "Rename it to replica"),
    ],
)
def test_what_no_entry_uses_is_refused_as_well(uri: dict[str, str] | str, stated: dict[str, object], told: str) -> None:
    with pytest.raises(envconn.ConfigurationError) as caught:
        made(uri, **stated)
    assert told in str(caught.value)
    assert {problem.code for problem in caught.value.problems} == {"argument-refused"}
    assert "marker" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "stated"),
    [
        (URI, {"aliases": {"absent": {"options": {"connect_timeout": 3, "timeout": 5}}}}),
        (ALL, {"aliases": {"replica_2": {}, "analytics_replica": {}, "archive": {}}}),
        (SQLITE, {"options": {"connect_timeout": 5, "application_name": "shop"}, "pool": {"max_size": 3}}),
    ],
)
def test_what_is_for_another_environment_passes(uri: dict[str, str] | str, stated: dict[str, object]) -> None:
    assert made(uri, **stated) == made(uri)


@pytest.mark.parametrize("name", ["database", "factory", "uri"])
def test_options_of_sqlite(name: str) -> None:
    with pytest.raises(envconn.ConfigurationError, match=f"OPTIONS {name} cannot be set"):
        made("sqlite:///x", aliases={"default": {"options": {name: "marker"}}})
    assert made("sqlite:///x", aliases={"default": {"options": {"timeout": 5}}})["default"]["OPTIONS"] == {"timeout": 5}


def test_engine_and_options_are_those_of_a_server() -> None:
    """So that one line serves PostgreSQL where it runs, and SQLite on a laptop."""
    entry = made("sqlite:///x", engine="django_prometheus.db.backends.postgresql", options={"connect_timeout": 5})
    assert entry["default"] == made("sqlite:///x")["default"]
    own = {"engine": "django.contrib.gis.db.backends.spatialite"}
    assert made("sqlite:///x", aliases={"default": own})["default"]["ENGINE"] == own["engine"]


def test_for_every_alias_or_for_one() -> None:
    found = made(
        ALL,
        conn_max_age=60,
        test={"NAME": "mine"},
        engine="one.backend",
        aliases={"analytics": {"conn_max_age": 0, "atomic_requests": True, "engine": "another"}, "not_here": {}},
    )
    assert {alias: entry.get("CONN_MAX_AGE") for alias, entry in found.items()} == {
        "default": 60,
        "replica": 60,
        "analytics": None,
    }
    assert {alias: entry["TEST"] for alias, entry in found.items()} == {
        "default": {"NAME": "mine"},
        "replica": {"MIRROR": "default"},
        "analytics": {"NAME": "mine"},
    }
    assert [entry["ENGINE"] for entry in found.values()] == ["one.backend", "one.backend", "another"]
    assert [entry.get("ATOMIC_REQUESTS") for entry in found.values()] == [None, None, True]


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"conn_max_age": "60"}, "conn_max_age must be a whole number of seconds, or None"),
        ({"conn_max_age": -1}, "conn_max_age must be"),
        ({"conn_max_age": True}, "conn_max_age must be"),
        ({"conn_max_age": 1.5}, "conn_max_age must be"),
        ({"conn_health_checks": 1}, "conn_health_checks must be True, False or None"),
        ({"atomic_requests": "yes"}, "atomic_requests must be"),
        ({"disable_server_side_cursors": 0}, "disable_server_side_cursors must be"),
        ({"options": None}, "options must be a mapping"),
        ({"options": [("a", 1)]}, "options must be a mapping"),
        ({"test": "x"}, "test must be a mapping"),
        ({"engine": None}, "engine must be the path"),
        ({"aliases": []}, "aliases must be a mapping"),
        ({"aliases": {"default": 60}}, "aliases must be a mapping"),
        ({"aliases": {"default": {"conn_max_age": "x"}}}, "conn_max_age must be"),
        ({"aliases": {"default": {"pool": True}}}, "aliases['default'] has an unknown argument. Use one of engine"),
        ({"default": 1}, "default must be the URL"),
        ({"default": "sqlite:///x"}, "cannot be combined with a first argument"),
        ({"env_file": "/x/.env"}, "cannot be combined with a first argument"),
        ({"engine": "x", "rotate": True}, "engine and rotate cannot be combined"),
        ({"aliases": {"default": {"engine": "x"}}, "rotate": True}, "engine and rotate cannot be combined"),
    ],
)
def test_wrong_arguments(stated: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError) as caught:
        made(URI, **stated)
    assert str(caught.value).startswith(told) or told in str(caught.value)


@pytest.mark.parametrize("text", ["sqlite:///x", "postgresql://app:marker-password@localhost/x", ""])
@pytest.mark.parametrize("stated", [{}, {"default": "sqlite:///y"}, {"pool": 1}])
def test_a_text_as_the_first_argument(text: str, stated: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="databases\\(\\) takes the URL of an SQLite database as default=") as caught:
        databases(text, **stated)  # type: ignore[arg-type]
    assert "marker" not in str(caught.value)


@pytest.mark.measured
@pytest.mark.parametrize(
    "lines",
    [
        "DATABASES = {'default': databases()}",
        "DATABASES = {'default': databases(default='sqlite:///x')}",
        "DATABASES['own'] = databases()",
    ],
)
def test_everything_in_one_entry(project: Project, lines: str) -> None:
    project.settings(lines)
    done = project.manage("check", DATABASE_URL=URI)
    alias = "own" if "own" in lines else "default"
    assert (done.returncode, done.stdout) == (
        78,
        f"DATABASES[{alias!r}]: holds several databases. Write DATABASES = databases()\n",
    )


def from_environment(monkeypatch: pytest.MonkeyPatch, **environ: str) -> None:
    for name in [*os.environ]:
        if name.startswith(("DATABASE", "ENVCONN", "PG")):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


DEFAULT = "sqlite:///dev.sqlite3"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"DATABASE_URL": ""},
        {"REDIS_URL": "rediss://cache.example.com"},
        {"CACHE_URL": "redis://cache.example.com"},  # wrong, and not about a database
        {"SHOP_NAME": "x"},
    ],
)
def test_the_default_for_development(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    from_environment(monkeypatch, **environ)
    assert databases(default=DEFAULT) == made(DEFAULT)
    absolute = databases(default=f"sqlite:///{SITE / 'dev.sqlite3'}")
    assert absolute["default"]["NAME"] == str(SITE / "dev.sqlite3")
    assert "database" not in last_refused


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DATABSE_URL": URI}, "DATABSE_URL: is not read. Rename it to DATABASE_URL"),
        ({"MY_DB": URI}, "MY_DB: holds a database URL, but is not read"),
        ({"DATABASE_URL": URI.replace("require", "disable")}, "DATABASE_URL: sslmode=disable"),
        ({"DATABASE_URL": "mssql://app@db.example.com/x"}, "DATABASE_URL: "),
        ({"DB_HOST": "db.example.com"}, "DB_NAME"),
        ({"ANALYTICS_DATABASE_URL": URI}, "DATABASE_URL: not set"),
        ({"ENVCONN_TLS": "marker"}, "ENVCONN_TLS: "),
    ],
)
def test_the_default_does_not_hide_a_mistake(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], told: str
) -> None:
    from_environment(monkeypatch, **environ)
    with pytest.raises(envconn.ConfigurationError) as caught:
        databases(default=DEFAULT)
    assert told in str(caught.value)
    assert "marker" not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, {"DATABASE_URL": URI}])
@pytest.mark.parametrize(
    ("default", "told"),
    [
        ("postgresql://app:marker-password@localhost/dev", "default: must be the URL of an SQLite database"),
        ("mysql://app:marker-password@localhost/dev", "default: must be the URL of an SQLite database"),
        ("sqlite:///dev.sqlite3?mode=ro", "default: "),
        ("marker-password", "default: "),
        ("", "default: "),
    ],
)
def test_what_is_no_default(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], default: str, told: str) -> None:
    from_environment(monkeypatch, **environ)
    with pytest.raises(envconn.ConfigurationError) as caught:
        databases(default=default)
    assert told in str(caught.value)
    assert "marker" not in str(caught.value)


def test_the_default_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from_environment(monkeypatch, DATABASE_URL=URI)
    assert databases(default=DEFAULT)["default"]["HOST"] == "db.example.com"
    from_environment(monkeypatch, ENVCONN_PHASE="build")
    assert databases(default=DEFAULT)["default"]["ENGINE"] == "envconn_django.dummy"


def test_an_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from_environment(monkeypatch)
    (tmp_path / ".env").write_text(f"DATABASE_URL='{URI}'\n", encoding="utf-8")
    assert databases(env_file=tmp_path / ".env")["default"]["HOST"] == "db.example.com"
    (tmp_path / ".env").unlink()
    # There is none where it is deployed.
    monkeypatch.setenv("DATABASE_URL", URI)
    assert databases(env_file=tmp_path / ".env")["default"]["HOST"] == "db.example.com"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (".env", None, "DATABASE_URL: not set in the environment, and there is no {path}. Set it to"),
        (".env", "OTHER=1", "DATABASE_URL: not set in the environment or in {path}. Set it to"),
        ("production.env", "OTHER=1", "DATABASE_URL: not set in the environment or in {path}. Set it to"),
        ("production.env", None, "{path}: "),
    ],
)
def test_the_message_says_where_it_looked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    from_environment(monkeypatch)
    path = tmp_path / "site" / name
    path.parent.mkdir()
    if content:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(envconn.ConfigurationError) as caught:
        databases(env_file=path)
    assert str(caught.value).startswith(told.format(path=path))
    if content is None and name == ".env":
        monkeypatch.chdir(path.parent)
        with pytest.raises(envconn.ConfigurationError, match=f"there is no {path}"):
            databases()


def test_the_default_is_an_error_where_it_is_deployed(project: Project) -> None:
    # The settings of the site are read before, and have no database either.
    build = "import os\nos.environ['ENVCONN_PHASE'] = 'build'"
    database = f"databases(default='sqlite:///{project.directory}/dev.sqlite3', env_file=None)"
    project.settings(f"del os.environ['ENVCONN_PHASE']\nDATABASES = {database}", before=build)
    done = project.manage("check")
    assert (done.returncode, "database-missing" in done.stdout) == (0, False)
    deployed = project.manage("check", "--deploy")
    assert deployed.returncode == 1
    assert "(envconn.database-default) DATABASE_URL: not set, so the default of databases() is used" in deployed.stdout
    assert "HINT: Set DATABASE_URL." in deployed.stdout


@pytest.mark.parametrize(
    ("base", "returncode", "told"),
    [
        ("django.db.backends.postgresql", 0, "no issues"),
        ("django.db.backends.dummy", 78, "DATABASES['default']: engine cannot be judged"),
    ],
)
def test_an_engine_is_judged_with_the_entry(project: Project, base: str, returncode: int, told: str) -> None:
    folder = project.directory / "engine"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "base.py").write_text(f"from {base} import base\nclass DatabaseWrapper(base.DatabaseWrapper): pass")
    project.settings("DATABASES = databases(engine='engine', conn_max_age=60)")
    done = project.manage("check", DATABASE_URL=URI)
    assert (done.returncode, told in done.stdout) == (returncode, True), done.stdout

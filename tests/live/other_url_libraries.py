"""What dj-database-url and django-environ take, and what it is here: the tables of docs/from-*.md, which a test tries.

Both calls of a row are made with the same environment, and give the same entry of ``DATABASES`` or ``CACHES`` but for
what the row says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ABSENT", "DJANGO_ENVIRON", "DJ_DATABASE_URL", "URL", "Row", "Table"]

URL = "postgresql://app:secret@db.example.com:5433/shop"
_MYSQL = "mysql://app:secret@db.example.com:3307/shop"
_CA = "{ca}"
_DATABASES = "databases()"

ABSENT = "absent"


class Row(NamedTuple):
    """One option, scheme or parameter of theirs; `here` and `changes` are texts of the page.

    `url` is DATABASE_URL, or the variable in `environ` that has it; ``{ca}`` is the path of a CA, ``{file}`` that of a
    file with the URL. `env_file` is the text of ``.env``. `call` and `ours` are what is evaluated, `theirs` and `here`
    if they are left out. `differs` holds what our entry has instead, by its key; those of OPTIONS have the form
    ``OPTIONS.name``. `refused` is the code of the problem if there is no entry, `level` the sslmode of ours, and
    `gives` what is in theirs, where that is the reason.
    """

    theirs: str
    here: str = _DATABASES
    changes: str = ""
    url: str = URL
    environ: Mapping[str, str] = {}
    call: str = ""
    ours: str = ""
    differs: Mapping[str, object] = {}
    refused: str = ""
    level: str = "require"
    env_file: str = ""
    gives: Mapping[str, object] | None = None


class Table(NamedTuple):
    """The rows of one library, by what they are about. `call` is what reads DATABASE_URL, and `ours` the same here."""

    library: str
    call: str
    ours: str
    sections: Mapping[str, tuple[Row, ...]]


def _same(scheme: str, changes: str = "", **differs: object) -> Row:
    return Row(f"{scheme}://", "the same", changes, url=URL.replace("postgresql", scheme), differs=differs)


def _no(scheme: str, code: str, changes: str) -> Row:
    return Row(f"{scheme}://", "an error", changes, url=URL.replace("postgresql", scheme), refused=code)


def _asked(parameter: str, here: str, changes: str = "", **differs: object) -> Row:
    return Row(f"?{parameter}", here, changes, url=f"{URL}?{parameter}", differs=differs)


_TO_MYSQL = "TLS is required, in the words of PyMySQL or mysqlclient"
_CONNECTOR = "use `mysql://`, with mysqlclient or PyMySQL"
_NO_SERVER = (
    Row("sqlite:///db.sqlite3", "the same", url="sqlite:///db.sqlite3", level=""),
    Row("sqlite://", "the same", "a database in memory", url="sqlite://", level=""),
    Row("sqlite://:memory:", "the same", "likewise", url="sqlite://:memory:", level=""),
    Row("spatialite:///db.sqlite3", "the same", url="spatialite:///db.sqlite3", level=""),
)
_UNSUPPORTED = "write that entry of `DATABASES` yourself, and permit its host with `ENVCONN_TLS_WAIVE`"
_MYSQLS = tuple(
    Row(f"{scheme}://", "the same", _TO_MYSQL, url=_MYSQL.replace("mysql:", f"{scheme}:"), level="")
    for scheme in ("mysql", "mysql2", "mysqlgis")
)
_PERCENT = (
    Row(
        "a password with `/`, `?` or `#`, not percent-encoded",
        "an error, which says where",
        "theirs is another host, user or database, or an error without a place",
        url="postgresql://app:12/34@db.example.com:5433/shop",
        refused="slash-unencoded",
        gives={"HOST": "app", "PORT": 12},
    ),
)

_VERIFIED = Row(
    "?sslmode=verify-full&sslrootcert=/path",
    "the same",
    url=f"{URL}?sslmode=verify-full&sslrootcert={_CA}",
    level="verify-full",
)

DJ_DATABASE_URL = Table(
    "dj-database-url",
    "config()",
    _DATABASES,
    {
        "Functions and arguments": (
            Row("config()", _DATABASES, "`DATABASES = databases()`, with every alias, not one entry"),
            Row(
                'config(env="OTHER_URL")',
                _DATABASES,
                "set `ENVCONN_DATABASE_VARIABLE=OTHER_URL`. A second database needs none: `OTHER_DATABASE_URL` is the "
                "alias `other`",
                environ={"OTHER_URL": URL, "ENVCONN_DATABASE_VARIABLE": "OTHER_URL"},
                url="",
            ),
            Row(
                'config(default="sqlite:///db.sqlite3")',
                'databases(default="sqlite:///db.sqlite3", env_file=BASE_DIR / ".env")',
                "without `env_file`, `.env` is read in the working directory, and the default is used in another one",
                url="",
                level="",
            ),
            Row(
                f'config(default="{URL}")',
                "an error",
                "credentials are not defaults: write the URL to `.env`",
                url="",
                ours=f'databases(default="{URL}")',
                refused="default-refused",
            ),
            Row(
                'config(engine="django.contrib.gis.db.backends.postgis")',
                'databases(engine="django.contrib.gis.db.backends.postgis")',
            ),
            Row(
                "config(conn_max_age=600)",
                "databases(conn_max_age=600)",
                "never longer than the provider keeps connections, and with `CONN_HEALTH_CHECKS`",
                differs={"CONN_HEALTH_CHECKS": True},
            ),
            Row(
                "config(conn_max_age=None)",
                "databases(conn_max_age=None)",
                "likewise",
                differs={"CONN_HEALTH_CHECKS": True},
            ),
            Row("config(conn_health_checks=True)", "databases(conn_health_checks=True)"),
            Row("config(disable_server_side_cursors=True)", "databases(disable_server_side_cursors=True)"),
            Row("config(ssl_require=True)", _DATABASES, "this is always so"),
            Row(
                "config(ssl_require=True), where the URL has `sslmode=verify-full`",
                _DATABASES,
                "theirs lowers it to `require`",
                url=f"{URL}?sslmode=verify-full&sslrootcert={_CA}",
                call="config(ssl_require=True)",
                differs={"OPTIONS.sslmode": "verify-full"},
                level="verify-full",
            ),
            Row('config(test_options={"NAME": "t"})', 'databases(test={"NAME": "t"})'),
            Row(f'parse("{URL}")', f'databases(envconn.secure("{URL}"))', "", url=""),
            Row(
                'register("shop", "shop.backend")',
                'databases(engine="shop.backend")',
                call='config(engine="shop.backend")',
            ),
            Row(
                "no variable: `{}`, and a line in the log",
                "an error, which says what to set",
                "where an image is built, `ENVCONN_PHASE=build`",
                url="",
                call="config()",
                ours=_DATABASES,
                refused="database-missing",
            ),
        ),
        "Schemes": (
            *map(_same, ("postgres", "postgresql", "pgsql", "postgis")),
            _same(
                "timescale",
                "Django's own, if django-timescaledb is not installed",
                ENGINE="django.db.backends.postgresql",
            ),
            _same("timescalegis", "likewise", ENGINE="django.contrib.gis.db.backends.postgis"),
            _no("cockroach", "driver-missing", "unless django-cockroachdb is installed"),
            _no("redshift", "driver-missing", "unless django-redshift-backend is installed"),
            *_MYSQLS,
            _no("mysql-connector", "scheme-unknown", _CONNECTOR),
            *_NO_SERVER,
            _no("oracle", "scheme-unsupported", _UNSUPPORTED),
            _no("oraclegis", "scheme-unsupported", _UNSUPPORTED),
            _no("mssql", "scheme-unsupported", _UNSUPPORTED),
            _no("mssqlms", "scheme-unsupported", _UNSUPPORTED),
        ),
        "Parameters of the URL": (
            _asked(
                "sslmode=prefer",
                "`sslmode=require`",
                "the password never travels unencrypted",
                **{"OPTIONS.sslmode": "require"},
            ),
            _VERIFIED,
            _asked("currentSchema=tenant", "the same", **{"OPTIONS.options": "-csearch_path=tenant"}),
            _asked("connect_timeout=5", "the same", "as text", **{"OPTIONS.connect_timeout": "5"}),
            _asked("application_name=007", "the same", "theirs is the number 7", **{"OPTIONS.application_name": "007"}),
            _asked(
                "conn_max_age=60",
                "the setting",
                "theirs is an option, which the driver refuses",
                **{"OPTIONS.conn_max_age": ABSENT, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True},
            ),
            Row(
                "?ssl-ca=/path, of MySQL",
                "the same",
                "theirs hands over the CA alone; here PyMySQL must also verify",
                url=f"{_MYSQL}?ssl-ca={_CA}",
                differs={"OPTIONS.ssl": {"ca": _CA, "check_hostname": False, "verify_mode": "required"}},
                level="",
            ),
            *_PERCENT,
        ),
    },
)


def _cache(theirs: str, here: str, changes: str = "", url: str = "", *, refused: str = "", **differs: object) -> Row:
    return Row(
        theirs,
        here,
        changes,
        url="",
        environ={"CACHE_URL": url or theirs},
        call="env.cache()",
        ours="caches()",
        refused=refused,
        differs=differs,
        level="",
    )


def _redis(theirs: str, url: str, location: str, changes: str = "") -> Row:
    own = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location}
    return _cache(theirs, "the same", changes, url, **own)


_OWN_BACKEND = 'Django\'s own backend. `caches(backend="django_redis.cache.RedisCache")` is that of django-redis'
_MEMCACHED, _LOCAL = "django.core.cache.backends.memcached.PyMemcacheCache", "127.0.0.1:11211"
_PYMEMCACHE = "theirs is a backend that Django no longer has. Here it is pymemcache"
_NO_PROMETHEUS = "theirs is empty, because no URL has such a scheme. Use `postgresql://` and `engine=`"

DJANGO_ENVIRON = Table(
    "django-environ",
    "env.db()",
    _DATABASES,
    {
        "Functions and arguments": (
            Row("env.db()", _DATABASES, "`DATABASES = databases()`, with every alias, not one entry"),
            Row("env.db_url()", _DATABASES),
            Row(
                'env.db("OTHER_URL")',
                _DATABASES,
                "set `ENVCONN_DATABASE_VARIABLE=OTHER_URL`. A second database needs none: `OTHER_DATABASE_URL` is the "
                "alias `other`",
                environ={"OTHER_URL": URL, "ENVCONN_DATABASE_VARIABLE": "OTHER_URL"},
                url="",
            ),
            Row(
                'env.db(default="sqlite:///db.sqlite3")',
                'databases(default="sqlite:///db.sqlite3", env_file=BASE_DIR / ".env")',
                "without `env_file`, `.env` is read in the working directory, and the default is used in another one",
                url="",
                level="",
            ),
            Row(
                f'env.db(default="{URL}")',
                "an error",
                "credentials are not defaults: write the URL to `.env`",
                url="",
                ours=f'databases(default="{URL}")',
                refused="default-refused",
            ),
            Row(
                'env.db(engine="django.contrib.gis.db.backends.postgis")',
                'databases(engine="django.contrib.gis.db.backends.postgis")',
            ),
            Row(f'env.db_url_config("{URL}")', f'databases(envconn.secure("{URL}"))', url=""),
            Row(
                "environ.Env.read_env(path)",
                'databases(env_file=BASE_DIR / ".env")',
                "the process environment has precedence, in both; here it is not changed, so that `env.bool` and the "
                "like still need `read_env`",
                url="",
                env_file=f"DATABASE_URL={URL}\n",
                call='environ.Env.read_env(".env") or env.db()',
            ),
            Row(
                "environ.FileAwareEnv().db()",
                _DATABASES,
                "`DATABASE_URL_FILE` is always read",
                url="",
                environ={"DATABASE_URL_FILE": "{file}"},
            ),
            Row(
                "`DATABASE_URL=$OTHER_URL`",
                "the same",
                "if that is all of the value",
                url="$OTHER_URL",
                environ={"OTHER_URL": URL},
            ),
            Row(
                "no variable: `ImproperlyConfigured`",
                "the same",
                "for all variables at once, without a traceback; where an image is built, `ENVCONN_PHASE=build`",
                url="",
                call="env.db()",
                ours=_DATABASES,
                refused="database-missing",
            ),
        ),
        "Schemes": (
            *map(_same, ("postgres", "postgresql", "psql", "pgsql", "postgis")),
            Row("postgres://one:1,two:2/", "the same", url="postgres://app:secret@one:1,two:2/shop"),
            Row(
                "postgres://app:secret@//cloudsql/project:region:name/shop",
                "an error",
                "to libpq, all of that is the name of a database. Write `@/shop?host=/cloudsql/project:region:name`",
                url="postgres://app:secret@//cloudsql/project:region:name/shop",
                refused="socket-path",
                gives={"HOST": "/cloudsql/project:region:name", "NAME": "shop"},
            ),
            _no("cockroachdb", "driver-missing", "unless django-cockroachdb is installed"),
            _no("redshift", "driver-missing", "unless django-redshift-backend is installed"),
            *_MYSQLS,
            _no("mysql-connector", "scheme-unknown", _CONNECTOR),
            *_NO_SERVER,
            *(
                _no(f"prometheus_{name}", "scheme-unknown", _NO_PROMETHEUS)._replace(gives={})
                for name in ("postgresql", "postgis", "mysql", "spatialite", "sqlite")
            ),
            _no("oracle", "scheme-unsupported", _UNSUPPORTED),
            _no("mssql", "scheme-unsupported", _UNSUPPORTED),
            _no("pyodbc", "scheme-unknown", _UNSUPPORTED),
            _no("ldap", "scheme-unknown", _UNSUPPORTED),
        ),
        "Parameters of the URL": (
            *(
                _asked(text, "the same")
                for text in (
                    "conn_max_age=0",
                    "atomic_requests=True",
                    "autocommit=False",
                    "disable_server_side_cursors=True",
                    "conn_health_checks=True",
                )
            ),
            _asked("CONN_MAX_AGE=60", "the same", "with `CONN_HEALTH_CHECKS`", CONN_HEALTH_CHECKS=True),
            _asked("atomic_requests=false", "the same", "theirs is a text, and so true", ATOMIC_REQUESTS=False),
            _asked(
                "sslmode=prefer",
                "`sslmode=require`",
                "the password never travels unencrypted",
                **{"OPTIONS.sslmode": "require"},
            ),
            _VERIFIED,
            _asked("connect_timeout=5", "the same", "as text", **{"OPTIONS.connect_timeout": "5"}),
            _asked("application_name=007", "the same", "theirs is the number 7", **{"OPTIONS.application_name": "007"}),
            Row(
                "a password, percent-encoded, in a URL without a path",
                "the same",
                "theirs is not decoded, and the database is empty: here it is that of the user's name",
                url="postgresql://app:p%40x@db.example.com:5433",
                differs={"PASSWORD": "p@x", "NAME": "app"},
            ),
            *_PERCENT,
        ),
        "Caches": (
            _cache("locmemcache://name", "the same"),
            _cache("dummycache://", "the same"),
            _cache("dbcache://my_table", "the same"),
            _cache("filecache:///var/tmp/cache", "the same"),
            _redis(
                "rediss://",
                "rediss://:secret@cache.example.com:6379/1",
                "rediss://cache.example.com:6379/1",
                _OWN_BACKEND,
            ),
            _redis("redis://, local", "redis://:secret@localhost:6379/1", "redis://localhost:6379/1", _OWN_BACKEND),
            _cache(
                "redis://, of another machine",
                "an error",
                "the password would be sent unencrypted: write `rediss://`, or [waive it](redis.md#scalingo)",
                "redis://:secret@cache.example.com:6379/1",
                refused="tls-disabled",
            ),
            _redis(
                "valkeys://",
                "valkeys://:secret@cache.example.com:6379/1",
                "rediss://cache.example.com:6379/1",
                "theirs has no scheme and no database",
            ),
            _cache(
                "rediscache://",
                "an error",
                "write `rediss://`, or `redis://` for a server on this machine",
                "rediscache://:secret@cache.example.com:6379/1",
                refused="service-foreign",
            ),
            _cache(
                "rediss://one,two/1",
                "an error",
                "name the primary, or [sentinels](sentinel.md)",
                "rediss://one,two/1",
                refused="hosts-several",
            ),
            _cache("memcache://, local", "the same", _PYMEMCACHE, f"memcache://{_LOCAL}", BACKEND=_MEMCACHED),
            _cache("pymemcache://one,two, local", "the same", url=f"pymemcache://{_LOCAL},127.0.0.1:11212"),
            _cache("pymemcache:///socket", "the same", url="pymemcache:///run/memcached.sock"),
            _cache("pylibmc://, local", "the same", url=f"pylibmc://{_LOCAL}"),
            _cache(
                "pymemcache://, of another machine",
                "an error",
                "it would be unencrypted: [waive it](django.md#settings), or use a Redis",
                "pymemcache://cache.example.com:11211",
                refused="tls-disabled",
            ),
            _cache(
                "?key_prefix=x&timeout=60",
                "an error",
                'write `CACHES["default"].update(KEY_PREFIX="x", TIMEOUT=60)`',
                "rediss://:secret@cache.example.com:6379/1?key_prefix=x",
                refused="parameter-refused",
            ),
        ),
    },
)

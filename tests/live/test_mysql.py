"""A real MariaDB through PyMySQL, aiomysql and asyncmy: the levels mean what they mean with PostgreSQL.

The table is that of `matrix`, in MySQL's words. A password arrives as it is. mysqlclient has to be built with MySQL's
own library and is not among what the tests install, so what it is handed is tested in core/test_drivers_mysql.py alone.
"""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
import string
from contextlib import closing
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import flask
import pymysql
import pytest
import sqlalchemy
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.ext.asyncio import create_async_engine

import envconn
import envconn_sqlalchemy
import matrix
import mysqlserver
from envconn import TlsLevel
from envconn.drivers import mysql as driver
from envconn_flask import EnvConn
from envconn_sqlalchemy.other_engines import judge_from_now_on
from matrix import FLOORS, RULES, SITES, TRUSTED

if TYPE_CHECKING:
    from envconn import SecuredConnection
    from mysqlserver import MySQL
    from project import Project
    from servers import States
    from throwaway.certificates import Certificates

WORDS = {
    "disable": "DISABLED",
    "prefer": "PREFERRED",
    "require": "REQUIRED",
    "verify-ca": "VERIFY_CA",
    "verify-full": "VERIFY_IDENTITY",
}
CLAIMS = ("none", "right", "wrong", "text")
_ENDS = {
    "Hostname mismatch": matrix.MISNAMED,
    "certificate verify failed": matrix.UNTRUSTED,
    "server doesn't support": matrix.NO_TLS,
    "Access denied for user 'app'": matrix.NOT_IN_CLEAR,  # MariaDB's word where it wants TLS; the password is right
}


def outcome(connection: SecuredConnection) -> str:
    """Connect and say what came of it; an unknown error in its own words."""
    secret = connection.password.reveal() if connection.password else ""
    place: dict[str, Any] = {"host": connection.host, "port": connection.port, "database": connection.dbname}
    arguments: dict[str, Any] = {**driver.arguments(connection, "pymysql")}
    return connected(user=connection.user, password=secret, **place, **arguments)


def connected(**arguments: Any) -> str:
    try:
        with closing(pymysql.connect(**arguments)) as connection, connection.cursor() as cursor:
            cursor.execute("show session status like 'Ssl_cipher'")
            ((_, cipher),) = cursor.fetchall()
            socket = connection._sock
    except pymysql.Error as error:
        return next((end for words, end in _ENDS.items() if words in str(error)), str(error))
    in_use = isinstance(socket, ssl.SSLSocket)
    return (matrix.TLS if in_use else matrix.CLEAR) if bool(cipher) is in_use else matrix.DISAGREE


def promise(environ: dict[str, str]) -> SecuredConnection | str:
    try:
        return envconn.load(environ, env_file=None).database
    except envconn.ConfigurationError as error:
        return " ".join(problem.code for problem in error.problems)


@pytest.mark.parametrize("state", mysqlserver.STATES)
@pytest.mark.parametrize("local", RULES)
@pytest.mark.parametrize("floor", FLOORS)
def test_what_is_promised_is_what_happens(
    mysql: States[MySQL], certificates: Certificates, floor: str, local: str, state: str
) -> None:
    broken = []
    site = SITES["notls" if state == "plain" else state]
    for name, mode in product(CLAIMS, ("absent", *WORDS)):
        ca = {"right": {"ssl-ca": str(certificates.ca)}, "wrong": {"ssl-ca": str(certificates.other_ca)}}.get(name, {})
        uri = mysql[state].uri(**({"ssl-mode": WORDS[mode]} if mode in WORDS else {}), **ca)
        environ = {"DATABASE_URL": uri, "ENVCONN_TLS": floor, "ENVCONN_TLS_LOCAL": local}
        environ |= {"DATABASE_CA_CERT": certificates.ca.read_text("ascii")} if name == "text" else {}
        due = matrix.promised(RULES[local], mode, name, floor)
        found = promise(environ)
        want = matrix.expected(due, site, TRUSTED[name]) if isinstance(due, TlsLevel) else due
        seen = found if isinstance(found, str) else outcome(found)
        if (seen, found if isinstance(found, str) else found.tls.level) != (want, due):
            broken.append(f"{mode}, CA {name}: {found!r} and {seen}; should be {due!s} and {want}")
    assert not broken, "\n".join(broken)


def test_pymysql_as_it_is(mysql: States[MySQL]) -> None:
    """Where the server has no TLS it goes on without, and says nothing."""
    server = mysql["plain"]
    place: dict[str, Any] = {"host": "localhost", "port": server.port, "user": server.user, "password": server.password}
    assert connected(**place, database=server.dbname) == matrix.CLEAR
    environ = {"DATABASE_URL": server.uri(), "ENVCONN_TLS_LOCAL": "enforce"}
    assert outcome(envconn.load(environ, env_file=None).database) == matrix.NO_TLS


PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "


@pytest.mark.parametrize(
    ("user", "password"),
    [
        pytest.param("printable", PRINTABLE, id="every printable character"),
        pytest.param("o'brien \"x\\@:/?#", "%20+%41&=?#@:/", id="what parsers stumble over"),
        pytest.param("größe żółw", "secret", id="a name beyond ASCII"),
    ],
)
def test_user_and_password(mysql: States[MySQL], user: str, password: str) -> None:
    server = mysql["good"]
    allow(server, user, password)
    uri = f"mysql://{quote(user, safe='')}:{quote(password, safe='')}@localhost:{server.port}/{server.dbname}"
    assert outcome(envconn.load({"DATABASE_URL": uri}, env_file=None).database) == matrix.TLS
    wrong = envconn.load({"DATABASE_URL": uri.replace("@", "x@")}, env_file=None).database
    assert "Access denied" in outcome(wrong)


@pytest.mark.parametrize(("password", "error"), [("größe", "Access denied"), ("пароль", "latin-1")])
def test_a_password_beyond_ascii(mysql: States[MySQL], password: str, error: str) -> None:
    """PyMySQL writes it in Latin-1, where the server has the hash of its UTF-8."""
    server = mysql["good"]
    allow(server, "beyond", password)
    place: dict[str, Any] = {"host": "localhost", "port": server.port, "user": "beyond", "password": password}
    with pytest.raises((pymysql.OperationalError, UnicodeEncodeError), match=error):
        pymysql.connect(**place)
    uri = f"mysql://beyond:{quote(password)}@localhost:{server.port}/{server.dbname}"
    with pytest.raises(envconn.ConfigurationError, match="ASCII characters only"):
        outcome(envconn.load({"DATABASE_URL": uri}, env_file=None).database)


def allow(server: MySQL, user: str, password: str) -> None:
    """Let `user` in with `password`, and do everything."""
    place: dict[str, Any] = {"host": "localhost", "port": server.port, "user": server.user, "password": server.password}
    with closing(pymysql.connect(**place, ssl={"verify_mode": "none"})) as admin, admin.cursor() as cursor:
        cursor.execute("create or replace user %s@'%%' identified by %s", (user, password))
        cursor.execute("grant all on *.* to %s@'%%'", (user,))


def test_a_django_site(mysql: States[MySQL], project: Project, certificates: Certificates) -> None:
    project.settings("", before="import pymysql; pymysql.install_as_MySQLdb()")
    verified = {"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": str(certificates.ca)}
    done = project.manage("migrate", DATABASE_URL=mysql["good"].uri(**verified))
    assert done.returncode == 0, done.stdout
    code = "from website.models import Visit; Visit.objects.create(path='/'); print(Visit.objects.count())"
    assert project.python(code, DATABASE_URL=mysql["good"].uri(**verified)).stdout.splitlines()[-1] == "1"
    for state, words in (
        ("wronghost", "Hostname mismatch"),
        ("unknownca", "certificate verify failed"),
        ("plain", "SSL"),
    ):
        refused = project.manage("migrate", DATABASE_URL=mysql[state].uri(**verified))
        assert refused.returncode == 1
        assert re.search(f"OperationalError: .*{words}", refused.stdout), refused.stdout
        assert mysql[state].password not in refused.stdout


def name_and_tls(engine: sqlalchemy.Engine) -> tuple[str, bool]:
    """Return the name of the database, and whether TLS is in use."""
    with engine.connect() as connection:
        dbname = connection.execute(sqlalchemy.text("select database()")).scalar()
        cipher = connection.execute(sqlalchemy.text("show session status like 'Ssl_cipher'")).one()[1]
    engine.dispose()
    return str(dbname), bool(cipher)


CALLS = {
    "pymysql": lambda services, driver: name_and_tls(envconn_sqlalchemy.create_engine(services, driver=driver)),
    "aiomysql": lambda services, driver: asyncio.run(name_and_tls_in_coroutines(services, driver)),
    "asyncmy": lambda services, driver: asyncio.run(name_and_tls_in_coroutines(services, driver)),
}


async def name_and_tls_in_coroutines(services: envconn.Services, driver: Any) -> tuple[str, bool]:
    """Do as `told` does, with an engine of asyncio."""
    engine = envconn_sqlalchemy.create_async_engine(services, driver=driver)
    try:
        async with engine.connect() as connection:
            dbname = await connection.scalar(sqlalchemy.text("select database()"))
            found = await connection.execute(sqlalchemy.text("show session status like 'Ssl_cipher'"))
            return str(dbname), bool(found.one()[1])
    finally:
        await engine.dispose()


# aiomysql and asyncmy leave the socket to the garbage collector where the handshake fails.
LEFT_OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@LEFT_OPEN
@pytest.mark.parametrize("state", mysqlserver.STATES)
@pytest.mark.parametrize("driver", CALLS)
def test_each_driver_of_sqlalchemy(mysql: States[MySQL], certificates: Certificates, driver: str, state: str) -> None:
    """What each of them is handed is what is promised; where it is not, nothing connects."""
    site = SITES["notls" if state == "plain" else state]
    for name, mode in (("right", "verify-full"), ("right", "verify-ca"), ("wrong", "verify-full"), ("none", "require")):
        ca = {"right": certificates.ca, "wrong": certificates.other_ca}.get(name)
        uri = mysql[state].uri(**{"ssl-mode": WORDS[mode]}, **({"ssl-ca": str(ca)} if ca else {}))
        services = envconn.load({"DATABASE_URL": uri, "ENVCONN_TLS_LOCAL": "enforce"}, env_file=None)
        if matrix.expected(services.database.tls.level, site, TRUSTED[name]) == matrix.TLS:
            assert CALLS[driver](services, driver) == (mysql[state].dbname, True)
        else:
            with pytest.raises((sqlalchemy.exc.DBAPIError, OSError)):
                CALLS[driver](services, driver)
    gc.collect()


@LEFT_OPEN
def test_an_engine_that_is_the_programs_own(mysql: States[MySQL], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised to the minimum in coroutines, too, and never continues unencrypted."""
    monkeypatch.setenv("ENVCONN_TLS_LOCAL", "enforce")
    judge_from_now_on()

    async def connect(uri: str) -> bool:
        engine = create_async_engine(uri)
        try:
            async with engine.connect() as connection:
                found = await connection.execute(sqlalchemy.text("show session status like 'Ssl_cipher'"))
                return bool(found.one()[1])
        finally:
            await engine.dispose()

    for name in ("aiomysql", "asyncmy"):
        assert asyncio.run(connect(mysql["good"].uri().replace("mysql:", f"mysql+{name}:")))
        with pytest.raises((sqlalchemy.exc.DBAPIError, OSError)):
            asyncio.run(connect(mysql["plain"].uri().replace("mysql:", f"mysql+{name}:")))
    gc.collect()


def test_an_engine_of_sqlalchemy(mysql: States[MySQL], monkeypatch: pytest.MonkeyPatch) -> None:
    """Made by `sqlalchemy.create_engine` from our URL, to which Flask-SQLAlchemy adds a character set."""
    monkeypatch.setenv("ENVCONN_TLS_LOCAL", "enforce")
    server = mysql["good"]
    services = envconn.load({"DATABASE_URL": server.uri(), "ENVCONN_TLS_LOCAL": "enforce"}, env_file=None)
    url = envconn_sqlalchemy.url(services)
    assert name_and_tls(sqlalchemy.create_engine(url, connect_args={"charset": "utf8mb4"})) == (server.dbname, True)
    assert name_and_tls(sqlalchemy.create_engine(str(url.set(database="information_schema")))) == (
        "information_schema",
        True,
    )
    for change in ({"connect_args": {"ssl_disabled": True}}, {"creator": print}):
        with pytest.raises(envconn.ConfigurationError):
            sqlalchemy.create_engine(url, **change)
    app = flask.Flask("ours")
    own = server.uri().replace("mysql:", "mysql+pymysql:")
    app.config["SQLALCHEMY_BINDS"] = {"own": own, "plain": f"{own}?ssl_disabled=true"}
    EnvConn(app, services=services)
    db = SQLAlchemy(app)
    with app.app_context():
        assert name_and_tls(db.engine) == name_and_tls(db.engines["own"]) == (server.dbname, True)
        with pytest.raises(envconn.ConfigurationError):
            db.engines["plain"].connect()

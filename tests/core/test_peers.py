"""The inputs of other libraries' test suites: each is read as its library reads it, or refused for a reason.

A text that both accept has the same host, port, user, password and database to both. `REFUSED` has those that a
library accepts and envconn does not, each with the code and the words of the message that tell its user what to write.
The texts are from the suites of libpq (001_uri.pl), pgx, sqlx, asyncpg, psycopg, dj-database-url, django-environ,
SQLAlchemy, databases, Rails, node-postgres (pg-connection-string), pydantic, redis-py, kombu and django-cache-url.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import dj_database_url
import pytest
from kombu.utils.url import url_to_parts
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url
from sqlalchemy import make_url

from envconn import ConfigurationError, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from envconn import SecuredConnection

GOOD = "postgresql://app:secret@db.example.com/app"


class Meaning(NamedTuple):
    """Hosts with their ports, user, password and database, each empty if the text does not state it."""

    hosts: str
    user: str
    password: str
    database: str


def libpq(text: str) -> Meaning:
    found = {name: str(value) for name, value in conninfo_to_dict(text).items()}
    hosts = found.get("host", "/var/run/postgresql").split(",")
    ports = found.get("port", "").split(",")
    pairs = zip(hosts, ports * len(hosts) if len(ports) == 1 else ports, strict=True)
    user = found.get("user", "me")
    places = ",".join(f"{host}:{port or 5432}" for host, port in pairs)
    return Meaning(places, user, found.get("password", ""), found.get("dbname", user))


def django(text: str) -> Meaning:
    found = dj_database_url.parse(text)
    port = found["PORT"] or (3306 if "mysql" in found["ENGINE"] else 5432)
    user = found["USER"] or "me"
    return Meaning(f"{found['HOST']}:{port}", user, found["PASSWORD"], found["NAME"])


def sqlalchemy(text: str) -> Meaning:
    url = make_url(text)
    port = url.port or (3306 if url.drivername.startswith(("mysql", "mariadb")) else 5432)
    user = url.username or "me"
    socket = url.query.get("unix_socket")
    place = f"{socket}:0" if socket else f"{url.host or '/var/run/postgresql'}:{port}"
    return Meaning(place, user, str(url.password or ""), url.database or user)


def file(text: str) -> Meaning:
    return Meaning(":0", "", "", make_url(text).database or ":memory:")


def redis(text: str) -> Meaning:
    found = parse_url(text)  # type: ignore[no-untyped-call]
    place = f"{found['path']}:0" if "path" in found else f"{found['host']}:{found.get('port', 6379)}"
    return Meaning(place, found.get("username", ""), found.get("password", ""), str(found.get("db", 0)))


def kombu(text: str) -> Meaning:
    found = url_to_parts(text)
    port = found.port or (5671 if found.scheme == "amqps" else 5672)
    vhost = "/" if found.path in {None, "", "/"} else found.path
    return Meaning(f"{found.hostname}:{port}", found.username or "", found.password or "", vhost)


ACCEPTED: dict[Callable[[str], Meaning], str] = {
    libpq: """
        postgresql://uri-user:secret@host:12345/db
        postgresql://uri-user@host/db
        postgresql://host:12345/
        postgresql://uri-user@
        postgresql://
        postgresql://%68ost/
        postgresql://host/db?user=uri-user&port=12345
        postgresql://host?
        postgresql://[::1]:12345/db
        postgresql://[2001:db8::1234]/
        postgres:///db
        postgres://uri-user@/db
        postgres://?host=/path/to/socket/dir
        postgres://@host
        postgres://host:/
        postgres://:12345/
        postgres://otheruser@/?host=/no/such/directory
        postgres://otheruser@:12345?host=/no/such/socket/path
        postgres://%2Fvar%2Flib%2Fpostgresql/dbname
        postgresql://host?sslmode=prefer
        postgres://h1,h2:5433/db
        postgres://h1:5433,h2/db
        postgres://h1:1,h2:2,h3:3/db
        postgres://[::1]:5432,[::2]/db
        postgres://jack:secret@localhost:5432/mydb?sslmode=disable
        postgres:///foo?host=/tmp
        postgres://localhost/?dbname=foo&sslmode=disable
        postgres://jack:secret@:1/mydb?sslmode=disable
        user=jack\\'s password=secret host=localhost port=5432 dbname=mydb sslmode=disable
        user = 'jack' password = '' host = 'localhost' dbname = 'mydb' sslmode='disable'
        user=jack password=sooper\\\\secret host=localhost dbname=mydb
        host=foo,bar,baz port=1,2,3 dbname=mydb
        dbname='a"b'
        dbname=sony password=
        postgresql://tester:secret@/test?port=5433
        postgresql:///dbname?host=/unix_sock/test&user=spam
        postgres://user@?port=56226&host=%2Ftmp
        postgres:///db?host=/cloudsql/project:region:instance-name&user=spam
        postgres:///?host=google.database.com
        postgres:///?dbname=some_db
        postgres:///?options=-c%20synchronous_commit%3Doff%20--search_path%3Dpostgres
        postgres://brian:hello:pass:world@localhost:5432/postgres
        postgres://brian:hello<ther>e@localhost:5432/postgres
        postgres://localhost/post%20gres
        postgres://user:pass@localhost/%2Fdbname
        postgres://user:pass@host1.db.net:4321,host2.db.net:6432/app
        """,
    django: """
        postgres://uf07:wega@ec2-107-21-253-135.compute-1.amazonaws.com:5431/d8r8
        postgres://uf07:wega@%2Fcloudsql%2Fproject_id%3Aregion%3Ainstance_id/d8r8
        postgres://%2FUsers%2Fpostgres%2FRuN/d8r8
        postgres://ieRa:wega@[2001:db8:1234::1234:5678:90af]:5431/d8r8
        postgres://%23user:%23password@ec2-107-21-253-135.compute-1.amazonaws.com:5431/%23database
        postgres://user%40domain:p%23ssword!@localhost/foobar
        postgis://uf07:wega@db.example.com:5431/d8r8?currentSchema=otherschema
        redshift://uf07:wega@db.example.com:5439/d8r8?currentSchema=otherschema
        timescale://uf07:wega@db.example.com:5431/d8r8
        timescalegis://%23user:%23password@db.example.com:5431/%23database
        cockroach://testuser:testpass@testhost:26257/cockroach
        mysql://bea6:6977@us-cdbr-east.cleardb.com/heroku_9768?reconnect=true
        mysqlgis://uf07:wega@db.example.com:5431/d8r8
        mysql://user:pw@127.0.0.1:15036/db?connect_timeout=3
        """,
    sqlalchemy: """
        postgresql+psycopg2://username:password@hostspec/database
        postgresql://username:password@hostspec:110//usr/db_file.db
        postgresql://username:password@/database
        postgresql://username:apples%40oranges%40%40@hostspec/database
        postgresql://username%40:@hostspec/database
        postgresql+asyncpg://user:password@db.example.com/dbname?prepared_statement_cache_size=500
        postgresql+asyncpg://user:password@db.example.com/dbname?ssl=require
        postgresql+asyncpg://user:password@db.example.com/dbname?ssl=True
        postgresql://localhost/mydatabase?pool_size=20&ssl=true
        postgresql+pg8000://user:pass@localhost:5432/app
        mysql+pymysql://scott:tiger@localhost/test?charset=utf8mb4
        mysql+mysqldb://root@/app?unix_socket=/cloudsql/project:instance
        mysql+asyncmy://user:pass@localhost:3306/app
        mariadb+mariadbconnector://user:pass@localhost:3306/app
        mysql2://user:pass@foohost:123/bar?encoding=utf8&pool=5&reconnect=true
        pg://bi%25na%25%25ry%20:s%40f%23@localhost/%20u%2520rl
        pg://user:pass@db.example.com/dbname?ssl=1
        pg://user:pass@localhost/dbname?ssl=0
        postgres://user:pass@db.example.com/app?schema_search_path=a,b&adapter=postgis
        postgres://user:pass@db.example.com/app?sslmode=require&search_path=a
        """,
    file: """
        sqlite://
        sqlite:///:memory:
        sqlite:///foo/bar/im/a/file
        sqlite:///E:/shop/db/hello.db
        sqlite:////usr/local/_xtest@example.com/members.db
        sqlite+aiosqlite:///file.db
        """,
    redis: """
        redis://localhost
        redis://localhost:6380
        redis://:mypassword@localhost
        redis://:%2Fmypass%2F%2B%20word%3D%24+@localhost
        redis://myuser:mypass@localhost
        redis://localhost/2
        redis://localhost/2?socket_timeout=20&socket_connect_timeout=10&max_connections=10
        rediss://my.host?client_name=test-client
        rediss://my.host?ssl_check_hostname=False
        rediss://my.host?ssl_cert_reqs=none
        unix:///socket?db=2
        unix://:mypassword@/my%2Fpath%2Fto%2F..%2F+_%2B%3D%24ocket
        rediss://enigma:$sec&'()*+;=-v1.2ret@ondigitalocean.com:25061/2
        rediss://enigma:sec%3A%2F%3F%23%5B%5D%40%2Cret@ondigitalocean.com:25061/2
        """,
    kombu: """
        amqp://user:pass@localhost:5672//
        amqp://user%61:%61pass@localhost:10000/v%2Fhost
        amqp://guest:guest@localhost:5672/%2Fprod
        amqps://user:pass@mq.example.com/vhost?heartbeat=30
        """,
}
"""What each library and envconn read alike."""

REFUSED: dict[str, tuple[str, str]] = {
    # The process's user is not meant for another machine, where there is most often none of that name.
    "postgresql://host:12345/db": ("user-missing", "Add user:password@ before the host, or set PGUSER"),
    # Nothing to verify: the name decides which certificate is right.
    "postgresql://?hostaddr=127.0.0.1": ("hostaddr-alone", "Add host, or write the address as host instead"),
    # Names are compared before they are decoded, so that none is missed.
    "postgresql://u@host/db?u%73er=someotheruser": ("parameter-unknown", "the name of parameter 1 is unknown"),
    "postgresql://u@[200z:db8::1234]/": ("host-brackets", "Write [::1]:5432"),
    # Readers disagree where the password ends: at the first "@" or the last, at "#", at a space.
    "postgresql://user:p@ss@host/db": ("at-unencoded", "Write %40"),
    "postgres://user:passw#ord!@localhost/foobar": ("hash-unencoded", "Write %23"),
    "postgresql://user:pass word + other%3Awords@host/dbname": ("space-unencoded", "Write %20"),
    "postgres://app:s3cr%2bt@localhost/50%off": ("percent-unencoded", "Write %25"),
    "mysql://enigma:]password]@example.com/dbname": ("bracket-unencoded", "Write %5D"),
    # Two places for one thing: libpq believes the last, Python's readers the first.
    "postgres://user:pass@localhost/dbname?host=/unix/socket": ("parameter-duplicate", "Keep one, or write a list"),
    "postgresql+psycopg2://user:password@/dbname?host=a&host=b": ("parameter-duplicate", "Keep one, or write a list"),
    "postgres://h1:1,h2:2/db?port=9": ("parameter-duplicate", "Keep one"),
    "postgres://u@h1,,h2/db": ("host-empty", "Remove the extra comma"),
    "postgres://u@a%2Cb/": ("host-invalid", "Write a plain comma between hosts"),
    "postgresql://us%40r:p%40ss@h%40st1/db": ("host-invalid", "the host is not a DNS name"),
    # A database's name to libpq, which would connect to another socket.
    "postgres:////var/run/postgresql/dbname": ("socket-path", "@/name?host=/directory"),
    "postgres://user:password@//cloudsql/project:region:instance/dbname": ("socket-path", "@/name?host=/directory"),
    "mysql://user:password@//cloudsql/project:region:instance/dbname": ("socket-path", "@/name?unix_socket=/socket"),
    # Words that libpq does not have.
    "postgresql://u@localhost/foo?options=-cmyoption=on": ("parameter-syntax", "Write %3D"),
    "postgres://u@h/d?options[work_mem]=1MB": ("parameter-unknown", "Write a setting of the server as options=-c"),
    "postgres://u@h/d?ssl-mode=require": ("parameter-unknown", "Use sslmode"),
    "postgres://u@h/d?ssl-root-cert=/ca.pem": ("parameter-unknown", "Use sslrootcert"),
    "postgres://u@h/d?encoding=unicode": ("parameter-unknown", "Use client_encoding"),
    "postgres://u@h/d?timeout=20": ("parameter-unknown", "Use connect_timeout, in seconds"),
    "postgres://u@h/d?min_size=20": ("parameter-unknown", "It is an argument of asyncpg"),
    "postgres://u@h/d?server_side_binding=true": ("parameter-unknown", "pass it to databases(options={...})"),
    "postgres://u@h/d?service=my_service": ("parameter-refused", "Write these values into the connection string"),
    "postgres://u@localhost/d?sslmode=no-verify": ("sslmode-unknown", "Use sslmode=require"),
    "postgres://u@h/d?sslmode=verify-ca": ("ca-missing", "Add sslrootcert=/path"),
    "postgres://u@h/d?ssl=0": ("tls-disabled", "ssl=0 for a remote host. Use sslmode=require"),
    "postgres://u@h/d?foober=12": ("parameter-unknown", "libpq does not support foober. Remove it"),
    "mysql://u@h/d?init_command=SET%20x": ("parameter-refused", "configure it in the program"),
    "mysql://u@h/d?retry_count=2": ("parameter-unknown", "retry_count is not a known parameter. Remove it"),
    "mysql://u@h/d?connect_timout=3": ("parameter-unknown", "Use connect_timeout"),
    "mysql:///mydatabase?unix_socket=/tmp/mysqld.sock": ("user-missing", "Add user:password@"),
    "sqlite:///file:path?mode=ro&uri=true": ("path-invalid", "SQLite's own URIs, which are not supported"),
    "sqlite://myfile.db": ("host-refused", "Write sqlite:///name"),
    "sqlite:///hello.db?foo=bar": ("parameter-unknown", "foo is not a known parameter"),
    # Other databases, and other programs' schemes.
    "oracle://scott:tiger@oraclehost:1521/hr": ("scheme-unsupported", "Oracle is not supported"),
    "mssqlms://u:p@h/d": ("scheme-unsupported", "SQL Server is not supported"),
    "sqlite+pysqlcipher://:pass@/file.db": ("scheme-unsupported", "SQLCipher is not supported"),
    "ldap://cn=admin:secret@example.com": ("scheme-unknown", "Use postgresql://, mysql:// or sqlite:///"),
    "jdbc:postgres://localhost/foo": ("scheme-unknown", "Remove jdbc:"),
    "https://example.com": ("scheme-unknown", "Copy the database's connection string"),
    "prometheus-postgis://u:p@h/d": ("scheme-unknown", "Use postgis://"),
    "mysql-connector://u:p@h/d": ("scheme-unknown", "Use mysql+mysqlconnector://"),
    "mysql+cymysql://u:p@h/d": ("scheme-unknown", "Use mysql+pymysql://"),
    "mysql+pyodbc://u:p@h/d": ("scheme-unknown", "Use mysql://"),
    "postgresql+pygresql://u:p@h/d": ("scheme-unknown", "Use postgresql://"),
    "postgresql+psycopg2cffi://u:p@h/d": ("scheme-unknown", "Use postgresql+psycopg2://"),
    "sqlite3:/foo.db": ("scheme-unknown", "Use sqlite:///"),
    "socket://brian:pw@/const/run/?db=mydb": ("scheme-unknown", "Use postgresql://"),
    "/const/run/ mydb": ("scheme-missing", "Begin it with postgresql://"),
    "localhost": ("scheme-missing", "Begin it with postgresql://"),
    # Redis and brokers: what its clients read differently.
    "redis://my%20%2F%20host": ("host-invalid", "Write the host without it"),
    "redis://myuser:@localhost": ("password-missing", "or :password@ for a password without a user"),
    "redis://pass@localhost": ("password-missing", "or :password@ for a password without a user"),
    "redis://localhost/2?db=3": ("dbname-contradicts", "Keep one"),
    "redis://localhost/2?retry_on_timeout=Yes": ("value-unknown", "expected true or false"),
    "redis://localhost?a=1": ("parameter-unknown", "a is not a known parameter"),
    "redis://localhost/0?key_prefix=site1": ("parameter-refused", "set KEY_PREFIX in CACHES"),
    "redis://:redispass@/path/to/socket.sock?db=0": ("socket-path", "Write unix:///path?db=0"),
    "redis:///path/to/socket/1": ("socket-path", "Write unix:///path?db=0"),
    "redis://": ("host-missing", "there is no host"),
    "redis://host1:6379,host2:6379,host3:9999/1": ("hosts-several", "Name the primary, or its sentinels"),
    "redis://host1:6379/1,redis://host2:6379/1": ("hosts-several", "Name the primary, or its sentinels"),
    "redis+cluster://h1:6379": ("scheme-unsupported", "Redis Cluster is not supported"),
    "redis://my.host": ("tls-disabled", "Use rediss://"),
    "rediss://my.host?ssl_cert_reqs=optional": ("sslmode-unknown", "expected required or none"),
    "rediss://my.host?ssl_min_version=TLSv1.2": ("parameter-refused", "Remove it: TLS below 1.2 is never used"),
    "rediss://my.host?ssl=true": ("parameter-refused", "Remove it, and begin with rediss:// for TLS"),
    "amqp://": ("host-missing", "there is no host"),
    "amqp://user@localhost/": ("password-missing", "Write user:password@"),
    "amqp://user:pass@localhost:5672/my/vhost": ("slash-unencoded", "Write %2F"),
    "amqp://ho%61st": ("host-invalid", "Write the host without it"),
    "amqp://foo;redis://example.com": ("broker-list", "Write amqps:// in all of them"),
    "amqp://u:p@h1,h2": ("hosts-several", "Write a URL for each, with semicolons between them"),
    "amqps://user:pass@mq.example.com/vhost?ssl=true": ("parameter-refused", "Remove it, and begin with amqps://"),
}
"""What a library has in its suite and envconn refuses: the code, and what the message says."""


def variable(text: str) -> str:
    """Return the variable that a text of this scheme is for."""
    if text.startswith("amqp"):
        return "BROKER_URL"
    return "CACHE_URL" if text.startswith(("redis", "unix")) else "DATABASE_URL"


def loaded(text: str, **environ: str) -> SecuredConnection:
    """Return the service that `text` is read as."""
    name = variable(text)
    services = load({"DATABASE_URL": GOOD, **environ, name: text}, env_file=None)
    return services[{"CACHE_URL": "cache", "BROKER_URL": "broker"}.get(name, "database")]


@pytest.mark.parametrize(
    ("reader", "text"),
    [(reader, text.strip()) for reader in ACCEPTED for text in ACCEPTED[reader].strip().splitlines()],
)
def test_read_as_the_library_reads_it(reader: Callable[[str], Meaning], text: str) -> None:
    found = loaded(text, PGUSER="me")  # the user of the process is another one on each machine
    hosts = ",".join(f"{host.host}:{host.port}" for host in found.hosts)
    password = found.password.reveal() if found.password else ""
    assert Meaning(hosts, found.user, password, found.dbname) == reader(text)


@pytest.mark.parametrize("text", REFUSED)
def test_refused_for_a_reason(text: str) -> None:
    code, words = REFUSED[text]
    with pytest.raises(ConfigurationError) as caught:
        loaded(text)
    first = caught.value.problems[0]
    assert (first.code, first.variable) == (code, variable(text))
    assert words in first.message


def test_the_refusing_half_has_a_reason_for_each_kind() -> None:
    assert len({code for code, _ in REFUSED.values()}) > 25

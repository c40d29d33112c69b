"""MySQL URIs: what is accepted and as what, and the longer table of what is refused."""

from __future__ import annotations

import pytest

from envconn.connection import Host, Origin, Secret
from grammars import accepted, refused
from leaks import MARKER

# What must never be seen again once it was read.
SYSTEM = {"sslmode": "verify-full", "sslrootcert": "system"}


def test_all_parts() -> None:
    """Every part arrives decoded, under libpq's names where they are about TLS."""
    connection = accepted(
        "mysql://us%20er:p%40ss@Db.Example.com:3307/a%20b?ssl-mode=VERIFY_CA&ssl-ca=/ca&charset=utf8mb4"
    )
    assert (connection.family, connection.scheme) == ("mysql", "mysql")
    assert connection.hosts == (Host("Db.Example.com", 3307),)
    assert (connection.user, connection.password, connection.dbname) == ("us er", Secret("p@ss"), "a b")
    assert {**connection.parameters} == {"sslrootcert": "/ca", "charset": "utf8mb4", "sslmode": "verify-ca"}
    assert connection.origin == Origin("DATABASE_URL")


@pytest.mark.parametrize(
    "scheme", ["mysql", "mysql2", "mysqlgis", "mariadb", "mysql+pymysql", "mysql+mysqldb", "mariadb+pymysql"]
)
def test_schemes(scheme: str) -> None:
    """One kind, whatever the driver; the spelling is kept. Nothing said about TLS is nothing demanded."""
    connection = accepted(f"{scheme}://u@h/d")
    assert (connection.family, connection.scheme, {**connection.parameters}) == ("mysql", scheme, {})
    assert connection.driver == (scheme.partition("+")[2] or None)
    assert (connection.hosts, connection.password) == ((Host("h", 3306),), None)


@pytest.mark.parametrize("name", ["ssl-mode", "ssl_mode", "sslmode", "sslMode"])
@pytest.mark.parametrize(
    ("word", "sslmode"),
    [
        ("DISABLED", "disable"),
        ("PREFERRED", "prefer"),
        ("REQUIRED", "require"),
        ("VERIFY_CA", "verify-ca"),
        ("VERIFY_IDENTITY", "verify-full"),
        ("required", "require"),
        ("Verify_Ca", "verify-ca"),
    ],
)
def test_modes(name: str, word: str, sslmode: str) -> None:
    """MySQL's five words in any case, under the names that clients give the option."""
    assert {**accepted(f"mysql://u:p@h/d?{name}={word}").parameters} == {"sslmode": sslmode}


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        # Scalingo's.
        ("useSSL=true&verifyServerCertificate=false", {"sslmode": "require"}),
        ("useSSL=true&verifyServerCertificate=true", {"sslmode": "verify-ca"}),
        ("useSSL=true&requireSSL=true", {"sslmode": "require"}),
        ("useSSL=TRUE", {"sslmode": "require"}),
        ("useSSL=false", {"sslmode": "disable"}),
        ("useSSL=false&requireSSL=false&verifyServerCertificate=false", {"sslmode": "disable"}),
        ("verifyServerCertificate=false", {}),
        # PlanetScale's, for Node and Prisma.
        ('ssl={"rejectUnauthorized":true}', SYSTEM),
        ("ssl=%7B%22rejectUnauthorized%22:true%7D", SYSTEM),
        ('ssl={"rejectUnauthorized":true}&ssl-ca=/ca', {"sslmode": "verify-full", "sslrootcert": "/ca"}),
        ('ssl={"rejectUnauthorized":false}', {"sslmode": "require"}),
        ("ssl={}", SYSTEM),
        ("ssl=true", {"sslmode": "require"}),
        ("sslaccept=strict", SYSTEM),
        ("sslaccept=accept_invalid_certs", {"sslmode": "require"}),
        # PyMySQL's and mysql-connector's.
        ("ssl_verify_cert=true&ssl_ca=/ca", {"sslmode": "verify-ca", "sslrootcert": "/ca"}),
        ("ssl_verify_cert=true&ssl_verify_identity=true", {"sslmode": "verify-full"}),
        ("ssl_check_hostname=true", {"sslmode": "verify-full"}),
        ("ssl_disabled=true", {"sslmode": "disable"}),
        ("ssl_disabled=false", {}),
        # The strictest one counts, and a CA is a demand.
        ("ssl-mode=REQUIRED&verifyServerCertificate=true", {"sslmode": "verify-ca"}),
        ("ssl-mode=PREFERRED&useSSL=true", {"sslmode": "require"}),
        ("sslca=/ca", {"sslmode": "verify-ca", "sslrootcert": "/ca"}),
        ("sslrootcert=system", {"sslmode": "verify-ca", "sslrootcert": "system"}),
        ("ssl-mode=REQUIRED&ssl_ca=/ca", {"sslmode": "require", "sslrootcert": "/ca"}),
        (
            "ssl-mode=VERIFY_IDENTITY&ssl-ca=/ca&ssl-cert=/c&ssl_key=/k&sslcrl=/r",
            {"sslmode": "verify-full", "sslrootcert": "/ca", "sslcert": "/c", "sslkey": "/k", "sslcrl": "/r"},
        ),
    ],
)
def test_tls_words(query: str, parameters: dict[str, str]) -> None:
    """Everybody's words become libpq's."""
    assert {**accepted(f"mysql://u:p@h/d?{query}").parameters} == parameters


def test_foreign() -> None:
    """Parameters of Rails, Prisma, Java and ClearDB are taken out and kept apart."""
    connection = accepted("mysql2://u:p@h/d?reconnect=true&pool=5&connection_limit=9&serverTimezone=UTC&charset=utf8")
    assert {**connection.parameters} == {"charset": "utf8"}
    assert {**connection.foreign} == {
        "reconnect": "true",
        "pool": "5",
        "connection_limit": "9",
        "serverTimezone": "UTC",
    }


@pytest.mark.parametrize("place", ["", "localhost"])
@pytest.mark.parametrize("name", ["unix_socket", "socket"])
def test_sockets(place: str, name: str) -> None:
    """A socket stands in the query, as SQLAlchemy has it, alone or beside localhost."""
    connection = accepted(f"mysql://u:p@{place}/d?{name}=/run/mysqld/mysqld.sock")
    assert connection.hosts == (Host("/run/mysqld/mysqld.sock", 0),)
    assert connection.hosts[0].is_socket
    assert {**connection.parameters} == {}


REFUSED = [
    ("mysql://u:p/¤@h/d", "slash-unencoded"),
    ("mysql://u:p#¤@h/d", "hash-unencoded"),
    ("mysql://u:p?¤@h/d", "question-unencoded"),
    ("mysql://u:p@¤@h/d", "at-unencoded"),
    ("mysql://u:p]¤@h/d", "bracket-unencoded"),
    ("mysql://u:p ¤@h/d", "space-unencoded"),
    ("mysql://u:%E9¤@h/d", "text-not-utf8"),
    ("mysql://:¤@h/d", "user-missing"),
    ("mysql://h/d", "user-missing"),
    ("mysql://u:¤", "user-missing"),
    ("mysql://u:¤@/d", "host-missing"),
    ("mysql://u:¤@h1,h2/d", "hosts-several"),
    ("mysql://u:¤@%2Frun%2Fs/d", "host-invalid"),
    ("mysql://u:¤@h:/d", "port-invalid"),
    ("mysql://u:¤@https://h/d", "host-invalid"),
    ("mysql://u:¤@https//h/d", "host-invalid"),
    ("mysql://u:¤@mysql://h/d", "host-invalid"),
    ("mysql://u:¤@h:3306x/d", "port-invalid"),
    ("mysql://u:¤@h", "dbname-missing"),
    ("mysql://u:¤@h/", "dbname-missing"),
    ("mysql://u:¤@h?charset=utf8", "dbname-missing"),
    ("mysql://u:¤@h/a/b", "dbname-invalid"),
    ("mysql://u:¤@h/a%2Fb", "dbname-invalid"),
    (f"mysql://u:¤@h/{'d' * 65}", "dbname-invalid"),
    ("mysql://u:¤@h/%zz", "percent-unencoded"),
    # TLS.
    ("mysql://u:¤@h/d?ssl-mode=REQUIRE", "sslmode-unknown"),
    ("mysql://u:¤@h/d?sslmode=require", "sslmode-unknown"),
    ("mysql://u:¤@h/d?sslmode=verify-full", "sslmode-unknown"),
    ("mysql://u:¤@h/d?ssl-mode=¤", "sslmode-unknown"),
    ("mysql://u:¤@h/d?ssl-mode=", "value-empty"),
    ("mysql://u:¤@h/d?ssl-mode", "parameter-syntax"),
    ("mysql://u:¤@h/d?SSL-MODE=REQUIRED", "parameter-unknown"),
    ("mysql://u:¤@h/d?ssl-mode=REQUIRED&ssl-mode=DISABLED", "parameter-duplicate"),
    ("mysql://u:¤@h/d?ssl-mode=REQUIRED&sslmode=REQUIRED", "parameter-duplicate"),
    ("mysql://u:¤@h/d?ssl-ca=/a&ssl_ca=/a", "parameter-duplicate"),
    ("mysql://u:¤@h/d?ssl-ca=/a&sslrootcert=/a", "parameter-duplicate"),
    ("mysql://u:¤@h/d?ssl-mode=DISABLED&useSSL=true", "tls-contradicts"),
    ("mysql://u:¤@h/d?useSSL=false&verifyServerCertificate=true", "tls-contradicts"),
    ("mysql://u:¤@h/d?useSSL=false&ssl-mode=PREFERRED", "tls-contradicts"),
    ("mysql://u:¤@h/d?useSSL=1", "value-unknown"),
    ("mysql://u:¤@h/d?useSSL=¤", "value-unknown"),
    ('mysql://u:¤@h/d?ssl={"rejectUnauthorized":"¤"}', "value-unknown"),
    ("mysql://u:¤@h/d?ssl=[[[[", "value-unknown"),
    ("mysql://u:¤@h/d?sslaccept=lax", "value-unknown"),
    ("mysql://u:¤@h/d?tls=skip-verify", "parameter-refused"),
    ("mysql://u:¤@h/d?ssl_capath=/certs", "parameter-refused"),
    ("mysql://u:¤@h/d?ssl_cipher=NULL", "parameter-refused"),
    ("mysql://u:¤@h/d?trustCertificateKeyStoreUrl=file:/x", "parameter-refused"),
    ("mysql://u:¤@h/d?trustCertificateKeyStorePassword=¤", "parameter-refused"),
    # The rest of the query.
    ("mysql://h/d?user=u&password=¤", "parameter-refused"),
    ("mysql://u@h/d?password=a&¤=1", "parameter-unknown"),
    ("mysql://u:¤@h/d?foo=1", "parameter-unknown"),
    ("mysql://u:¤@h/d?local_infile=1", "parameter-refused"),
    ("mysql://u:¤@h/d?init_command=DROP", "parameter-refused"),
    ("mysql://u:¤@h/d?read_default_file=/etc/my.cnf", "parameter-refused"),
    ("mysql://u:¤@h/d?connect_timeout=x", "number-invalid"),
    ("mysql://u:¤@h/d?connection_limit=x", "number-invalid"),
    ("mysql://u:¤@h/d?pool=5&pool=6", "parameter-duplicate"),
    ("mysql://u:¤@h/d?charset=a+b", "plus-unencoded"),
    ("mysql://u:¤@h/d?charset=utf8;x=y z", "space-unencoded"),
    # Sockets.
    ("mysql://u:¤@h/d?unix_socket=/run/s", "socket-host"),
    ("mysql://u:¤@localhost:3306/d?unix_socket=/run/s", "socket-host"),
    ("mysql://u:¤@/d?unix_socket=run/s", "socket-path"),
    ("mysql://u:¤@/d?unix_socket=/a&socket=/b", "parameter-duplicate"),
    ("mysql://u:¤@/d?charset=socket=", "host-missing"),
    ("mysql:h", "scheme-slashes"),
    ("jdbc:mysql://h/d?user=u&password=¤", "scheme-unknown"),
    ("mysql+foo://u:¤@h/d", "scheme-unknown"),
    ("MySQL://u:¤@h/d", "scheme-case"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_refused(text: str, code: str) -> None:
    """Refused under a stable code, in one line that shows nothing of the secret."""
    problems = refused(text.replace("¤", MARKER))
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert MARKER.lower() not in str(problem).lower()
        assert "\n" not in problem.message
        assert not problem.message.endswith(".")

"""AMQP URIs: what is accepted and as what, and the longer table of what is refused."""

from __future__ import annotations

from functools import partial

import pytest

import grammars
from envconn.connection import Host, Origin, Secret
from leaks import MARKER

accepted = partial(grammars.accepted, variable="CLOUDAMQP_URL")
refused = partial(grammars.refused, variable="CLOUDAMQP_URL")

# What must never be seen again once it was read.
VERIFIED = {"sslmode": "verify-full"}


def test_all_parts() -> None:
    """Every part arrives decoded, under libpq's names where they are about TLS."""
    connection = accepted("amqps://us%20er:p%40ss@Broker.Example.com:5673/a%2Fb?cacertfile=/ca.pem&heartbeat=10")
    assert (connection.family, connection.scheme) == ("amqp", "amqps")
    assert connection.hosts == (Host("Broker.Example.com", 5673),)
    assert (connection.user, connection.password, connection.dbname) == ("us er", Secret("p@ss"), "a/b")
    assert {**connection.parameters} == {"sslrootcert": "/ca.pem", "heartbeat": "10"}
    assert connection.origin == Origin("CLOUDAMQP_URL")


@pytest.mark.parametrize(
    ("scheme", "port", "parameters"),
    [("amqp", 5672, {"sslmode": "disable"}), ("pyamqp", 5672, {"sslmode": "disable"}), ("amqps", 5671, {})],
)
def test_schemes(scheme: str, port: int, parameters: dict[str, str]) -> None:
    """The scheme alone says whether there is TLS; with TLS, chain and name are verified."""
    connection = accepted(f"{scheme}://u:p@h")
    assert (connection.family, connection.scheme, {**connection.parameters}) == ("amqp", scheme, parameters)
    assert connection.hosts == (Host("h", port),)


@pytest.mark.parametrize(
    ("path", "vhost"),
    [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/%2F", "/"),
        ("/%2f", "/"),
        ("/v", "v"),
        ("/a%2Fb", "a/b"),
        ("/%2Fv", "/v"),
        ("/é", "é"),
        ("?", "/"),
    ],
)
def test_virtual_hosts(path: str, vhost: str) -> None:
    """As kombu reads them; the slash is the name of the first virtual host."""
    assert accepted(f"amqp://u:p@h{path}").dbname == vhost


def test_no_credentials() -> None:
    """Without user and password it is the client that says guest, and not the text."""
    connection = accepted("amqp://localhost//")
    assert (connection.user, connection.password) == ("", None)


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("verify=verify_peer", VERIFIED),
        ("verify=verify_none", {"sslmode": "require"}),
        ("verify=verify_peer&cacertfile=/ca", {"sslmode": "verify-full", "sslrootcert": "/ca"}),
        ("certfile=/c&keyfile=/k&password=p%26w", {"sslcert": "/c", "sslkey": "/k", "sslpassword": "p&w"}),
        ("server_name_indication=H", {}),
        ("auth_mechanism=external", {"auth_mechanism": "EXTERNAL"}),
        ("login_method=PLAIN", {"auth_mechanism": "PLAIN"}),
        (
            "connection_timeout=10000&connect_timeout=2.5&locale=en_US",
            {"connection_timeout": "10000", "connect_timeout": "2.5", "locale": "en_US"},
        ),
    ],
)
def test_words(query: str, parameters: dict[str, str]) -> None:
    """The words of RabbitMQ become libpq's where they are about TLS."""
    assert {**accepted(f"amqps://u:p@h/v?{query}").parameters} == parameters


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("amqp://u:p@h1//;amqp://u:p@h2//", (("h1", 5672), ("h2", 5672))),
        ("amqp://u:p@h1//;pyamqp://u:p@h2:5673/", (("h1", 5672), ("h2", 5673))),
        ("amqps://u:p@h1;amqps://u:p@h2/%2F;amqps://u:p@h3//", (("h1", 5671), ("h2", 5671), ("h3", 5671))),
        ("amqps://h1/v;amqps://h2/v", (("h1", 5671), ("h2", 5671))),
        (
            "amqps://u:a%3Bb@h1?heartbeat=5;amqps://u:a%3Bb@[::1]:1?heartbeat=5",
            (("h1", 5671), ("::1", 1)),
        ),
    ],
)
def test_lists(text: str, hosts: tuple[tuple[str, int], ...]) -> None:
    """The list of kombu's failover: one user and one virtual host, on several servers."""
    assert [(host.host, host.port) for host in accepted(text).hosts] == [*hosts]


REFUSED = [
    ("amqp://u:p/¤@h", "slash-unencoded"),
    ("amqp://u:p#¤@h", "hash-unencoded"),
    ("amqp://u:p?¤@h", "question-unencoded"),
    ("amqp://u:p@¤@h", "at-unencoded"),
    ("amqp://u:p;¤@h", "semicolon-unencoded"),
    ("amqp://u:¤@h1;h2", "semicolon-unencoded"),
    ("amqp://u:¤@h1;", "semicolon-unencoded"),
    ("amqp://u:¤@h1;;amqp://u:¤@h2", "semicolon-unencoded"),
    ("amqp://u:¤@h1;AMQP://u:¤@h2", "semicolon-unencoded"),
    ("amqp://u:¤@h1;amqps://u:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;amqp://u:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;pyamqp://u:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;rediss://:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;sentinel://:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;https://h2", "broker-list"),
    ("amqps://u:¤@h1;amqps://v:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;amqps://u:x¤@h2", "broker-list"),
    ("amqps://u:¤@h1;amqps://h2", "broker-list"),
    ("amqps://h1;amqps://u:¤@h2", "broker-list"),
    ("amqps://u:¤@h1/v;amqps://u:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;amqps://u:¤@h2/v", "broker-list"),
    ("amqps://u:¤@h1/v;amqps://u:¤@h2/w", "broker-list"),
    ("amqps://u:¤@h1?verify=verify_none;amqps://u:¤@h2?verify=verify_peer", "broker-list"),
    ("amqps://u:¤@h1?cacertfile=/a;amqps://u:¤@h2", "broker-list"),
    ("amqps://u:¤@h1;amqps://u:¤@h2?heartbeat=1", "broker-list"),
    ("amqps://u:¤@h1;amqps://u:¤@h2:0", "port-range"),
    ("amqps://u:¤@h1;amqps://u:¤@", "host-missing"),
    ("amqps://u:¤@h1;amqps://u:¤/x@h2", "slash-unencoded"),
    ("amqps://u:¤@h1?server_name_indication=h1;amqps://u:¤@h2?server_name_indication=h1", "sni-refused"),
    ("amqp://u:p[¤@h", "bracket-unencoded"),
    ("amqp://u:p\uff03¤@h", "character-unencoded"),
    ("amqp://u:%¤@h", "percent-unencoded"),
    ("amqp://¤@h", "password-missing"),
    ("amqp://:¤@h", "user-missing"),
    ("amqp://u:¤@", "host-missing"),
    ("amqp://", "host-missing"),
    ("amqp://u:¤@h1,h2", "hosts-several"),
    ("amqp://u:¤@h:0", "port-range"),
    ("amqp://u:¤", "port-invalid"),
    ("amqp://u:¤@h/a/b", "slash-unencoded"),
    ("amqp://u:¤@https://h", "host-invalid"),
    ("amqps://u:¤@http//h", "host-invalid"),
    ("amqp://u:¤@amqps://h/v", "host-invalid"),
    ("amqp://u:¤@h///", "slash-unencoded"),
    ("amqp://u:¤@h/v/", "slash-unencoded"),
    ("amqp://u:¤@h/%E9", "text-not-utf8"),
    ("amqp://u:¤@h/%0A", "control-character"),
    ("amqp://u:¤@h/v v", "space-unencoded"),
    ("amqp://u:¤@h/v#f", "hash-unencoded"),
    (f"amqp://u:¤@h/{'v' * 256}", "dbname-too-long"),
    (f"amqp://u:¤@h/{'é' * 128}", "dbname-too-long"),
    # TLS.
    ("amqp://u:¤@h?verify=verify_peer", "tls-scheme"),
    ("amqp://u:¤@h?cacertfile=/ca", "tls-scheme"),
    ("amqp://u:¤@h?password=x", "tls-scheme"),
    ("amqp://u:¤@h?server_name_indication=h", "tls-scheme"),
    ("amqps://u:¤@h?server_name_indication=other", "sni-refused"),
    ("amqps://u:¤@h?server_name_indication=disable", "sni-refused"),
    ("amqps://u:¤@h?verify=verify_none&cacertfile=/ca", "tls-contradicts"),
    ("amqps://u:¤@h?verify=none", "sslmode-unknown"),
    ("amqps://u:¤@h?verify=¤", "sslmode-unknown"),
    ("amqps://u:¤@h?verify=", "value-empty"),
    ("amqps://u:¤@h?verify=verify_none&verify=verify_peer", "parameter-duplicate"),
    ("amqps://u:¤@h?ssl_cert_reqs=CERT_NONE", "parameter-refused"),
    ("amqps://u:¤@h?cert_reqs=CERT_NONE", "parameter-refused"),
    ("amqps://u:¤@h?ssl_ca_certs=/ca", "parameter-refused"),
    ("amqps://u:¤@h?ssl_check_hostname=false", "parameter-refused"),
    ("amqps://u:¤@h?ssl_certfile=/c", "parameter-refused"),
    ("amqps://u:¤@h?ssl_keyfile=/k", "parameter-refused"),
    ("amqps://u:¤@h?ssl=true", "parameter-refused"),
    ("amqps://u:¤@h?ssl_options={}", "parameter-refused"),
    ("amqps://u:¤@h?sslmode=require", "parameter-refused"),
    # The rest of the query.
    ("amqp://h?user=u&¤=1", "parameter-unknown"),
    ("amqps://u:p@h?password=a&¤=1", "parameter-unknown"),
    ("amqp://u:¤@h?foo=1", "parameter-unknown"),
    ("amqp://u:¤@h?vhost=v", "parameter-refused"),
    ("amqp://u:¤@h?credential_provider=os.system", "parameter-refused"),
    ("amqp://u:¤@h?heartbeat=x", "number-invalid"),
    ("amqp://u:¤@h?heartbeat=", "value-empty"),
    ("amqp://u:¤@h?heartbeat", "parameter-syntax"),
    ("amqp://u:¤@h?retry_delay=1s", "number-invalid"),
    ("amqp://u:¤@h?locale=../etc", "value-unknown"),
    ("amqp://u:¤@h?locale=a+b", "plus-unencoded"),
    ("amqp://u:¤@h?auth_mechanism=anonymous", "value-unknown"),
    ("amqp://u:¤@h?auth_mechanism=plain&login_method=plain", "parameter-duplicate"),
    ("amqp:h", "scheme-slashes"),
    ("AMQPS://u:¤@h", "scheme-case"),
    ("amqp+ssl://u:¤@h", "scheme-unknown"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "amqp://h?cacertfile=/ca",
            "the URI has TLS parameters, but its scheme means no TLS. Use amqps://, or remove them",
        ),
        ("amqps://h?ssl_cert_reqs=none", "Use verify=verify_peer or verify=verify_none"),
        ("amqps://h?ssl_ca_certs=/ca", "Use cacertfile"),
        ("amqp://h?vhost=/", "or /%2F for the virtual host called /"),
        ("amqp://h?heart_beat=1", "Use heartbeat"),
        ("amqps://u:p@h1;amqp://u:p@h2", "Write amqps:// in all of them"),
        ("amqps://u:p@h1;amqps://u:q@h2", "differs from the first one in its user or password. Write the same in each"),
        ("amqps://u:p@h1/v;amqps://u:p@h2/w", "in its virtual host"),
        ("amqps://u:p@h1;amqps://u:p@h2?heartbeat=1", "in its parameters"),
        ("amqp://u:p@h/v?locale=a@b", 'raw "@" in the query at character 24. Write %40'),
    ],
)
def test_messages(text: str, message: str) -> None:
    """A message says which part, and what to write instead."""
    assert any(message in problem.message for problem in refused(text)), refused(text)

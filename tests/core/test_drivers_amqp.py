"""py-amqp's arguments for every level, and what it does not support."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from envconn import ConfigurationError, Policy, parse, secure
from envconn.drivers import amqp

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

PLACE = "u%40ser:p%2Fw@mq.example.com"


def test_levels(certificates: Certificates) -> None:
    ca = str(certificates.ca)
    named = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": ca}
    full = secure(parse(f"amqps://{PLACE}/?cacertfile={ca}"))
    chain = secure(parse(f"amqps://{PLACE}/?verify=verify_none"), Policy(tls="verify-ca", ca=ca))
    assert amqp.arguments(full) == {**named, "server_hostname": "mq.example.com"}
    assert amqp.arguments(chain) == named
    assert amqp.arguments(secure(parse(f"amqps://{PLACE}/?verify=verify_none"))) == {"cert_reqs": ssl.CERT_NONE}
    assert amqp.arguments(secure(parse("amqp://localhost"))) is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"amqps://{PLACE}", "amqps://u%40ser:p%2Fw@mq.example.com:5671/%2F"),
        (f"amqps://{PLACE}:7/a%2Fb?heartbeat=5", "amqps://u%40ser:p%2Fw@mq.example.com:7/a%2Fb"),
        ("amqp://[::1]/v", "amqp://[::1]:5672/v"),
    ],
)
def test_url_has_no_parameters(text: str, url: str) -> None:
    assert amqp.url(secure(parse(text))) == url


def test_a_list(certificates: Certificates) -> None:
    """Each has its own name to be verified, and all have the rest."""
    members = [f"amqps://{PLACE}:{port}/v?cacertfile={certificates.ca}" for port in (1, 2)]
    text = ";".join(members).replace("mq.example.com:2", "other.example.com")
    connection = secure(text)
    urls = [f"amqps://u%40ser:p%2Fw@{place}/v" for place in ("mq.example.com:1", "other.example.com:5671")]
    assert amqp.url(connection) == ";".join(urls)
    query = f"?cacertfile={certificates.ca}&verify=verify_peer"
    assert connection.uri().reveal() == ";".join(f"{url}{query}" for url in urls)
    assert secure(connection.uri().reveal()).hosts == connection.hosts
    names = [amqp.arguments(connection, host) for host in (None, *connection.hosts)]
    assert [name and name["server_hostname"] for name in names] == [
        "mq.example.com",
        "mq.example.com",
        "other.example.com",
    ]
    with pytest.raises(ConfigurationError, match="for a remote host"):
        secure("amqp://u:p@localhost;amqp://u:p@mq.example.com")


def test_options() -> None:
    query = "heartbeat=5&connection_timeout=2500&auth_mechanism=external&channel_max=9&frame_max=4096&locale=de_DE"
    assert amqp.options(secure(parse(f"amqps://{PLACE}?{query}&confirm_publish=true"))) == {
        "heartbeat": 5,
        "connect_timeout": 2.5,
        "login_method": "EXTERNAL",
        "channel_max": 9,
        "frame_max": 4096,
        "locale": "de_DE",
        "confirm_publish": True,
    }
    assert amqp.options(secure(parse(f"amqps://{PLACE}?connect_timeout=3"))) == {"connect_timeout": 3.0}


def test_client_certificate(certificates: Certificates) -> None:
    pair = certificates.good
    found = amqp.arguments(secure(parse(f"amqps://{PLACE}?certfile={pair.chain}&keyfile={pair.key}")))
    assert found is not None
    assert (found["certfile"], found["keyfile"]) == (str(pair.chain), str(pair.key))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("connection_attempts=3", "connection_attempts"),
        ("blocked_connection_timeout=3", "blocked_connection_timeout"),
        ("certfile={chain}&keyfile={key}&password=marker-password", "not support a password for sslkey"),
        ("certfile={chain}&keyfile={open}", "the file in keyfile is readable by others"),
    ],
)
def test_refused(certificates: Certificates, tmp_path: Path, query: str, words: str) -> None:
    pair, key = certificates.good, tmp_path / "open"
    key.write_bytes(pair.key.read_bytes())
    key.chmod(0o644)
    connection = secure(parse(f"amqps://{PLACE}?{query.format(chain=pair.chain, key=pair.key, open=key)}"))
    with pytest.raises(ConfigurationError) as refusal:
        amqp.arguments(connection)
    assert words in str(refusal.value)
    assert "marker-password" not in str(refusal.value)


def test_other_protocols_and_unjudged_ones() -> None:
    with pytest.raises(ConfigurationError, match="requires a amqp one"):
        amqp.url(secure(parse("rediss://h/0")))
    for function in (amqp.url, amqp.arguments, amqp.options):
        with pytest.raises(TypeError):
            function(parse("amqps://h"))  # type: ignore[arg-type]

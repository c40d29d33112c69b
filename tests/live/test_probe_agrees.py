"""The probe and the driver, cell by cell: each server against each text, and the cause that is given is libpq's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

import demands
import envconn
import envconn_psycopg
from envconn import Policy
from envconn.probe import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demands import Street
    from envconn import SecuredConnection
    from lab import Lab
    from throwaway.certificates import Certificates

TEXTS = (
    *("require", "verify-ca", "verify-full", "another CA", "a list", "a list that spares"),
    *("TLS 1.3", "TLS 1.2", "a client certificate", "a stranger's certificate", "a certificate that is not shown"),
    *("a certificate that is demanded", "no certificate, and demanded", "TLS at once", "no SNI"),
)
UNTRUSTED, EXPIRED, MISNAMED = "certificate-untrusted", "certificate-expired", "certificate-misnamed"
REQUIRED, REFUSED = "client-certificate-required", "client-certificate-refused"
UNREQUESTED, NO_TLS, NOT_DIRECT = "client-certificate-unrequested", "tls-refused", "direct-tls-refused"
NO_VERSION, NO_LIST = "tls-too-old", "revocation-unknown"

FULL = TEXTS[2:]
PLAIN = {
    "another CA": UNTRUSTED,
    "a certificate that is demanded": UNREQUESTED,
    "no certificate, and demanded": REQUIRED,
    "TLS at once": NOT_DIRECT,
}

# site -> text -> the first problem; what connects is not here, or has none
EXPECTED: dict[str, dict[str, str]] = {
    "good": PLAIN,
    "both": PLAIN,
    "no alpn": PLAIN,
    "alpn": {**PLAIN, "TLS at once": ""},
    "by name": {**PLAIN, "TLS at once": "", "no SNI": MISNAMED},
    "older": {**PLAIN, "a list": "certificate-revoked", "TLS 1.3": NO_VERSION},
    "newest": {**PLAIN, "TLS 1.2": NO_VERSION},
    "intermediate": {**PLAIN, "a list": NO_LIST, "a list that spares": NO_LIST},
    "wronghost": {**dict.fromkeys(FULL, MISNAMED), "another CA": UNTRUSTED},
    "expired": {**dict.fromkeys(("verify-ca", *FULL), EXPIRED), "another CA": UNTRUSTED},
    "unknownca": {**dict.fromkeys(("verify-ca", *FULL), UNTRUSTED), "another CA": ""},
    "notls": dict.fromkeys(TEXTS, NO_TLS),
    "null": {**dict.fromkeys(TEXTS, "tls-failed"), "TLS 1.3": NO_VERSION},
    "certified": {
        **dict.fromkeys(TEXTS, REQUIRED),
        "another CA": UNTRUSTED,
        "a stranger's certificate": REFUSED,
        **dict.fromkeys(("a client certificate", "a certificate that is demanded"), ""),
    },
}

# code -> what the probe says of it, and what libpq says; the reasons behind OpenSSL's "verify failed" it keeps back
CAUSES = {
    UNTRUSTED: ("did not sign the certificate", "certificate verify failed"),
    EXPIRED: ("expired 7 days ago", "certificate verify failed"),
    "certificate-revoked": ("was revoked", "certificate verify failed"),
    NO_LIST: ("does not cover the certificate", "certificate verify failed"),
    MISNAMED: ("is for elsewhere.envconn.test, and not to localhost", "does not match host name"),
    NO_TLS: ("does not support TLS", "does not support SSL"),
    NOT_DIRECT: ("does not support direct TLS", "ALPN"),
    NO_VERSION: ("does not support an allowed TLS version (TLSv1.", "alert protocol version"),
    "tls-failed": ("another cipher", "handshake failure"),
    REQUIRED: ("client certificate. Name one", "certificate"),
    REFUSED: ("refuses the client certificate", "unknown ca"),
    UNREQUESTED: ("does not ask for a client certificate", "did not request an SSL certificate"),
}
AT_ONCE = "unexpected eof"
"""What libpq says of every server without direct TLS, whatever else is wrong with it."""


@pytest.fixture(scope="module")
def street(lab: Lab, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with demands.opened(lab, certificates, tmp_path_factory.mktemp("street")) as opened:
        yield opened


def connect(connection: SecuredConnection) -> str:
    """Return why the driver does not connect, or nothing."""
    try:
        with psycopg.connect(**envconn_psycopg.kwargs(connection), connect_timeout=10):
            return ""
    except psycopg.Error as error:
        return str(error)


@pytest.mark.parametrize("site", EXPECTED)
def test_agreement(street: Street, lab: Lab, site: str) -> None:
    uris = {**street.uris, **{state: lab[state].uri() for state in ("expired", "intermediate")}}
    connections = {}
    for text in TEXTS:
        uri = f"{uris[site]}?{demands.TEXTS[text].format_map(street.files)}"
        connections[text] = envconn.secure(envconn.parse(uri, text), Policy(local="enforce"))
    # One after the other: CPython 3.11 lets a thread fail that begins to be traced while another one does.
    outcomes = {text: connect(connection) for text, connection in connections.items()}
    for connection in connections.values():
        (seen,) = asyncio.run(look([connection], enforcement="skip")).seen
        text = seen.service.origin.variable
        code = EXPECTED[site].get(text, "")
        assert [problem.code for problem in seen.problems][:1] == ([code] if code else []), (text, outcomes[text])
        assert bool(code) is bool(outcomes[text]), text
        if code:
            ours, libpq = CAUSES[code]
            assert ours in seen.problems[0].message, text
            assert libpq in outcomes[text] or (text == "TLS at once" and AT_ONCE in outcomes[text]), (
                text,
                outcomes[text],
            )


def test_a_bound_is_named(street: Street) -> None:
    """What to correct is the parameter, where one keeps the two apart."""
    uri = f"{street.uris['newest']}?{demands.TEXTS['TLS 1.2'].format_map(street.files)}"
    (seen,) = asyncio.run(look([envconn.secure(envconn.parse(uri))], enforcement="skip")).seen
    assert seen.problems[0].message.endswith("(TLSv1.2). Correct ssl_max_protocol_version, or upgrade the server")

"""The probe and the driver, cell by cell: each server against each text, and the cause that is given is libpq's."""

from __future__ import annotations

import asyncio
import gc
import re
from typing import TYPE_CHECKING

import asyncpg
import pg8000.dbapi
import psycopg
import psycopg2
import pytest

import demands
import envconn
import envconn_asyncpg
import envconn_psycopg
from envconn import Policy
from envconn.drivers import pg8000 as arguments
from envconn.probe import look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def judged(street: Street, lab: Lab, site: str) -> dict[str, SecuredConnection]:
    """Return the connection to `site` for each text."""
    uris = {**street.uris, **{state: lab[state].uri() for state in ("expired", "intermediate")}}
    texts = {text: f"{uris[site]}?{demands.TEXTS[text].format_map(street.files)}" for text in TEXTS}
    return {text: envconn.secure(envconn.parse(uri, text), Policy(local="enforce")) for text, uri in texts.items()}


def connect(connection: SecuredConnection) -> str:
    """Return why the driver does not connect, or nothing."""
    try:
        with psycopg.connect(**envconn_psycopg.kwargs(connection), connect_timeout=10):
            return ""
    except psycopg.Error as error:
        return str(error)


@pytest.mark.parametrize("site", EXPECTED)
def test_agreement(street: Street, lab: Lab, site: str) -> None:
    connections = judged(street, lab, site)
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


def _asyncpg(connection: SecuredConnection) -> None:
    async def opened() -> None:
        await (await asyncpg.connect(**envconn_asyncpg.kwargs(connection))).close()

    asyncio.run(opened())


def _pg8000(connection: SecuredConnection) -> None:
    pg8000.dbapi.connect(**arguments.arguments(connection)).close()


def _psycopg2(connection: SecuredConnection) -> None:
    psycopg2.connect(**envconn_psycopg.kwargs(connection, driver="psycopg2")).close()


OTHERS: dict[str, Callable[[SecuredConnection], None]] = {"psycopg2": _psycopg2, "asyncpg": _asyncpg, "pg8000": _pg8000}
UNSUPPORTED = {
    "a certificate that is not shown",
    "a certificate that is demanded",
    "no certificate, and demanded",
    "no SNI",
}
REFUSING: dict[str, set[str]] = {"psycopg2": set(), "asyncpg": UNSUPPORTED, "pg8000": {*UNSUPPORTED, "TLS at once"}}
"""The texts that a driver cannot do as they say, so that they are refused before it is asked."""
PYTHONS = {
    UNTRUSTED: "unable to get local issuer certificate",
    EXPIRED: "certificate has expired",
    "certificate-revoked": "certificate revoked",
    NO_LIST: "unable to get certificate CRL",
    MISNAMED: "Hostname mismatch",
    NO_TLS: "rejected SSL upgrade|Server refuses SSL",
    NOT_DIRECT: "does not agree on a protocol by ALPN",
    NO_VERSION: "alert protocol version",
    "tls-failed": "alert handshake failure",
    REQUIRED: "connection requires a valid client certificate",
    REFUSED: "closed in the middle|network error",
}
"""What asyncpg and pg8000 say of each cause, with Python's TLS."""


# asyncpg and pg8000 leave what they opened to the garbage collector if a connection fails.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.sampled(3)
@pytest.mark.parametrize("site", EXPECTED)
@pytest.mark.parametrize("driver", OTHERS)
def test_another_driver_agrees(street: Street, lab: Lab, driver: str, site: str) -> None:
    """With the same table, and for the same causes, wherever it can do what a text says."""
    refused = set()
    for text, connection in judged(street, lab, site).items():
        code, said = EXPECTED[site].get(text, ""), ""
        try:
            OTHERS[driver](connection)
        except envconn.ConfigurationError:
            refused.add(text)
            continue
        except Exception as error:  # noqa: BLE001 - every driver has its own
            said = f"{type(error).__name__}: {error}"
        assert bool(code) is bool(said), (text, said)
        due = CAUSES[code][1] if code and driver == "psycopg2" else PYTHONS.get(code, "")
        is_cut = text == "TLS at once" and re.search("EOF detected|ConnectionResetError", said)
        assert is_cut or re.search(due, said), (text, said)
    gc.collect()  # here, and not in a test that warnings of it would fail
    assert refused == REFUSING[driver]


@pytest.mark.parametrize("site", ["good", "both", "notls"])
@pytest.mark.parametrize("name", ["PGSSLROOTCERT", "PGSSLROOTCERT, another"])
def test_agreement_where_tls_is_optional(street: Street, monkeypatch: pytest.MonkeyPatch, name: str, site: str) -> None:
    """libpq checks the certificate, and goes on without TLS: whether the server wants that is said at the login."""
    for variable, value in street.environment(name).items():
        monkeypatch.setenv(variable, value)
    connection = envconn.secure(street.uris[site])
    (seen,) = asyncio.run(look([connection], enforcement="skip")).seen
    noted = [(note.code, CAUSES[note.code][0] in note.message) for note in seen.notes]
    wrong = NO_TLS if site == "notls" else UNTRUSTED if "another" in name else ""
    assert (seen.problems, noted) == ((), [(wrong, True)] if wrong else [])
    assert (seen.handshake is None) is bool(wrong)
    assert ("certificate verify failed" in connect(connection)) is (wrong == UNTRUSTED and site == "good")

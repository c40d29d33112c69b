"""The probe and the driver, cell by cell: each server against each text, and the cause that is given is libpq's."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
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
    from envconn import Proof, SecuredConnection
    from lab import Lab
    from throwaway.certificates import Certificates

TEXTS = (
    *("require", "verify-ca", "verify-full", "another CA", "a list", "a list that spares"),
    *("TLS 1.3", "TLS 1.2", "a client certificate", "a stranger's certificate", "a certificate that is not shown"),
    *("a certificate that is demanded", "no certificate, and demanded", "TLS at once", "no SNI"),
)
SITES = (
    *("good", "wronghost", "expired", "unknownca", "intermediate", "both", "notls"),
    *("older", "newest", "certified", "null", "alpn", "no alpn", "by name"),
)

UNTRUSTED, UNREQUESTED = "certificate-untrusted", "client-certificate-unrequested"
MISNAMED, EXPIRED = "certificate-misnamed", "certificate-expired"
REQUIRED, REFUSED = "client-certificate-required", "client-certificate-refused"
NEVER = dict.fromkeys(TEXTS, "tls-refused")
VERIFYING = tuple(text for text in TEXTS if text not in {"require", "another CA"})

# site -> text -> the first problem; a text that is not here is one that connects
EVERYWHERE = {
    "another CA": UNTRUSTED,
    "a list": "certificate-revoked",
    "a certificate that is demanded": UNREQUESTED,
    "no certificate, and demanded": REQUIRED,
}
EXPECTED: dict[str, dict[str, str]] = {}

CAUSES = {
    UNTRUSTED: ("certificate verify failed",),
}
"""What libpq says of each of them; the texts of OpenSSL differ between its versions."""


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


@pytest.mark.parametrize("site", SITES)
def test_agreement(street: Street, lab: Lab, site: str) -> None:
    uris = {**street.uris, **{state: lab[state].uri() for state in ("expired", "intermediate")}}
    connections = {}
    for text in TEXTS:
        uri = f"{uris[site]}?{demands.TEXTS[text].format_map(street.files)}"
        connections[text] = envconn.secure(envconn.parse(uri, text), Policy(local="enforce"))
    seen: Proof = asyncio.run(look(connections.values(), enforcement="skip"))
    with ThreadPoolExecutor(4) as threads:
        said = dict(zip(TEXTS, threads.map(connect, connections.values()), strict=True))
    for each in seen.seen:
        text = each.service.origin.variable
        codes = [problem.code for problem in each.problems]
        print(f"{site} | {text} | {codes} | {said[text]!r:.200} | {[p.message for p in each.problems]}")

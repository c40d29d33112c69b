"""The laboratory itself: every state is what its name says, with libpq as the witness and nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from fakes import Answer
from lab import STATES
from throwaway import postgres
from throwaway.certificates import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes import Fake
    from lab import Lab
    from throwaway.certificates import Certificates

TLS, CLEAR, REFUSED = "over TLS", "in clear", "refused"


def outcome(uri: str) -> str:
    try:
        with psycopg.connect(uri, hostaddr="127.0.0.1", connect_timeout=5) as connection:
            query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
            row = connection.execute(query).fetchone()
    except psycopg.OperationalError:
        return REFUSED
    assert row is not None
    return TLS if row[0] else CLEAR


#                   disable   prefer   require  verify-ca  verify-full    the last two with the right CA
EXPECTED = {
    "good": (REFUSED, TLS, TLS, TLS, TLS),
    "wronghost": (REFUSED, TLS, TLS, TLS, REFUSED),
    "expired": (REFUSED, TLS, TLS, REFUSED, REFUSED),
    "unknownca": (REFUSED, TLS, TLS, REFUSED, REFUSED),
    "intermediate": (REFUSED, TLS, TLS, TLS, TLS),
    "both": (CLEAR, TLS, TLS, TLS, TLS),
    "both_unknownca": (CLEAR, TLS, TLS, REFUSED, REFUSED),
    "notls": (CLEAR, CLEAR, REFUSED, REFUSED, REFUSED),
}
MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


def test_every_state_is_expected_of() -> None:
    assert EXPECTED.keys() == STATES.keys()


@pytest.mark.parametrize("state", EXPECTED)
@pytest.mark.parametrize("host", [HOST, "localhost"])
def test_state(lab: Lab, certificates: Certificates, state: str, host: str) -> None:
    seen = []
    for mode in MODES:
        trust = {"sslrootcert": str(certificates.ca)} if mode.startswith("verify") else {}
        seen.append(outcome(lab[state].uri(host, sslmode=mode, **trust)))
    assert tuple(seen) == EXPECTED[state]


@pytest.mark.parametrize("ca", ["other_ca", "not_pem", "missing"])
def test_ca_files_that_do_not_fit(lab: Lab, certificates: Certificates, ca: str) -> None:
    uri = lab["good"].uri(sslmode="verify-ca", sslrootcert=str(getattr(certificates, ca)))
    assert outcome(uri) == REFUSED


def test_unix_socket(lab: Lab) -> None:
    server = lab["good"]
    with psycopg.connect(server.uri(""), host=str(server.home)) as connection:
        assert connection.info.hostaddr == ""


@pytest.mark.parametrize(
    ("answer", "mode", "unencrypted"),
    [
        (Answer.N, "prefer", True),
        (Answer.N, "require", False),
        (Answer.ERROR, "require", False),
        (Answer.GARBAGE, "require", False),
        (Answer.CLOSE, "require", False),
        (Answer.INJECT, "require", False),
        (Answer.N, "disable", True),
        (Answer.ERROR, "allow", True),
        (Answer.GARBAGE, "allow", True),
        (Answer.CLOSE, "allow", True),
        (Answer.INJECT, "allow", True),
    ],
)
def test_fake(fake: Callable[[Answer], Fake], answer: Answer, mode: str, unencrypted: bool) -> None:  # noqa: FBT001
    server = fake(answer)
    uri = server.uri(HOST, sslmode=mode, hostaddr="127.0.0.1", connect_timeout="5")
    if unencrypted:
        psycopg.connect(uri).close()
        assert server.passwords == ["marker-password"]
        assert server.startups[0]["user"] == "app"
    else:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(uri)
        assert server.requests[-1] == "ssl"
    assert server.saw_password_unencrypted is server.saw_startup_unencrypted is unencrypted


def test_certificates_change_while_it_runs(certificates: Certificates) -> None:
    with postgres.running(certificates.good, clear=True) as server:
        trusting = server.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
        assert outcome(trusting) == TLS
        server.use(certificates.expired)
        assert outcome(trusting) == REFUSED
        server.tls_off()
        assert outcome(server.uri(sslmode="prefer")) == CLEAR
        home = server.home
    assert not home.exists()

"""A look at sentinels, each of them, and a login to the Redis that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import liar
import sentinels
from logins import MARKER, codes, noted, tried
from probing import look, notes

if TYPE_CHECKING:
    from redisserver import Redis
    from sentinels import Sentinels
    from servers import States
    from throwaway.certificates import Certificates

SEEN = {
    "good": (),
    "names": (),
    "sentinel wronghost": ("certificate-misnamed",),
    "sentinel unknownca": ("certificate-untrusted",),
    "sentinel expired": ("certificate-expired",),
    "redis wronghost": (),
    "redis unknownca": (),
}


@pytest.mark.parametrize("state", SEEN)
def test_every_sentinel_is_looked_at(sentinel_sets: States[Sentinels], certificates: Certificates, state: str) -> None:
    servers = sentinel_sets[state]
    proof = look(servers.uri(ssl_ca_certs=str(certificates.ca)))
    assert tuple(problem.code for problem in proof.problems) == SEEN[state]
    assert [seen.host.port for seen in proof.seen] == [*servers.ports]
    assert "sentinel-master-unchecked" in notes(proof)
    assert servers.secret not in str(proof)


@pytest.mark.parametrize("state", ["good", "names"])
def test_a_login_goes_to_the_master(sentinel_sets: States[Sentinels], certificates: Certificates, state: str) -> None:
    outcome = tried(sentinel_sets[state].uri(database=3, ssl_ca_certs=str(certificates.ca)))
    assert noted(outcome) == []
    assert outcome.login
    assert (outcome.login.driver, outcome.login.dbname, outcome.login.read_only) == ("redis-py", "3", False)


@pytest.mark.parametrize("state", [state for state in sentinels.STATES if " " in state])
def test_a_login_refuses(sentinel_sets: States[Sentinels], certificates: Certificates, state: str) -> None:
    outcome = tried(sentinel_sets[state].uri(ssl_ca_certs=str(certificates.ca)))
    assert codes(outcome) == ["tls-failed"]
    assert "sentinel announce-hostnames yes" in outcome.problems[0].message


@pytest.mark.parametrize(
    ("replaced", "code"),
    [
        (f"/{sentinels.MASTER}/", "master-unknown"),
        ("sentinel_password={secret}", "password-refused"),
        (":{password}@", "password-refused"),
    ],
)
def test_what_else_goes_wrong(
    sentinel_sets: States[Sentinels], certificates: Certificates, replaced: str, code: str
) -> None:
    servers = sentinel_sets["good"]
    part = replaced.format(secret=servers.secret, password=servers.nodes[0].password)
    wrong = {"/": "/another/", "s": f"sentinel_password={MARKER}", ":": f":{MARKER}@"}[part[0]]
    uri = servers.uri(ssl_ca_certs=str(certificates.ca))
    assert part in uri
    assert codes(tried(uri.replace(part, wrong))) == [code]


def test_no_unencrypted_login_on_another_machine() -> None:
    with liar.naming(None, "192.0.2.7", 6379) as port:
        uri = f"redis+sentinel://:{MARKER}@127.0.0.1:{port}/{sentinels.MASTER}"
        assert codes(tried(uri, timeout=2)) == ["connection-closed"]


def test_no_password_is_sent_to_the_master_that_a_false_sentinel_names(
    redis_server: States[Redis], certificates: Certificates
) -> None:
    with liar.naming(certificates.good, "127.0.0.1", redis_server["plain"].port) as port:
        uri = f"rediss+sentinel://:{MARKER}@localhost:{port}/{sentinels.MASTER}?ssl_ca_certs={certificates.ca}"
        assert codes(tried(uri, timeout=2)) == ["timed-out"]

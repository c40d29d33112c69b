"""The judgement. The table is computed from the rules of the design, a second time and in other words."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING, NamedTuple

import pytest

from envconn import ConfigurationError, Policy, SecuredConnection, TlsLevel
from envconn.connection import Connection, Host, Parameters
from envconn.providers import ProviderHints, identify
from envconn.records import replace
from envconn.services import parse, secure
from envconn.tls import Context, judge, requested
from envconn.tls.policy import Demands

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

NONE, OPPORTUNISTIC, ENCRYPTED, VERIFY_CA, VERIFY_FULL = TlsLevel
ASKS = {
    None: OPPORTUNISTIC,
    "disable": NONE,
    "allow": OPPORTUNISTIC,
    "prefer": OPPORTUNISTIC,
    "require": ENCRYPTED,
    "verify-ca": VERIFY_CA,
    "verify-full": VERIFY_FULL,
}


class Place(NamedTuple):
    host: Host
    exempt: bool
    enforce_local: bool = False


PLACES = {
    "remote": Place(Host("db.example", 5432), exempt=False),
    "waived": Place(Host("db.internal", 5432), exempt=True),
    "loopback": Place(Host("127.0.0.1", 5432), exempt=True),
    "loopback-enforced": Place(Host("127.0.0.1", 5432), exempt=False, enforce_local=True),
    "socket": Place(Host("/run/postgresql", 5432), exempt=True),
    "socket-enforced": Place(Host("/run/postgresql", 5432), exempt=False, enforce_local=True),
}
ROOTS = (None, "file", "system")


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.other_ca))


def asked_for(mode: str | None, root: str | None) -> TlsLevel:
    """libpq: a root file turns require into verify-ca, and ``system`` means verify-full."""
    if root == "system" and mode != "disable":
        return VERIFY_FULL
    return VERIFY_CA if root and mode == "require" else ASKS[mode]


def expected(place: Place, floor: TlsLevel, mode: str | None, root: str | None, spare: str | None) -> object:
    """Return the level, or the codes that stand against it. `spare` is the CA of the policy."""
    against = []
    if mode == "disable" and not place.exempt and not place.host.is_socket:
        against.append("tls-disabled")
    if place.host.is_socket and not place.exempt:
        against.append("socket-enforced")
    if mode == "disable" and root == "system":
        against.append("sslmode-contradicts")
    level = asked_for(mode, root)
    if not place.exempt:
        level = max(level, floor)
    # A CA of the text verifies wherever TLS is used, one of the policy wherever TLS is sure.
    trusted = root if root and level > NONE else spare if not root and level >= ENCRYPTED else None
    if trusted:
        level = max(level, VERIFY_FULL if trusted == "system" else VERIFY_CA)
    if place.host.is_socket:
        level, trusted = NONE, None
    if level >= VERIFY_CA and not trusted:
        against.append("ca-missing")
    return against or (level, trusted)


def judged(text: str, demands: Demands) -> SecuredConnection:
    outcome = judge(parse(text, "V"), Context(demands), "database")
    assert isinstance(outcome, SecuredConnection)
    return outcome


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("floor", [ENCRYPTED, VERIFY_CA, VERIFY_FULL], ids=str)
def test_every_combination(certificates: Certificates, name: str, floor: TlsLevel) -> None:
    place = PLACES[name]
    roots = {"file": str(certificates.ca), "system": "system", None: None}
    for mode, root, spare in product(ASKS, ROOTS, ROOTS):
        written = {"sslmode": mode, "sslrootcert": roots[root]}
        parameters = Parameters({key: value for key, value in written.items() if value})
        demands = Demands(floor=floor, waive=("*.internal",), enforce_local=place.enforce_local, ca=roots[spare])
        connection = Connection("postgresql", "postgres", (place.host,), "u", "d", None, parameters)
        assert requested(connection) == asked_for(mode, root)
        outcome = judge(connection, Context(demands), "database")
        seen: object
        if isinstance(outcome, SecuredConnection):
            verdict = outcome.tls
            seen = (verdict.level, verdict.ca.kind if verdict.ca else None)
            assert verdict.raised is (verdict.level > verdict.requested)
            assert place.host.is_socket or verdict.level >= verdict.requested
            assert place.exempt or verdict.level >= floor
            assert verdict.local is not name.startswith(("remote", "waived"))
            assert (verdict.waived == "*.internal") is (name == "waived")
        else:
            seen = [problem.code for problem in outcome]
        assert seen == expected(place, floor, mode, root, spare), (mode, root, spare)


def test_order_of_parameters_never_matters(certificates: Certificates) -> None:
    for mode in ("prefer", "require", "verify-full"):
        parts = [f"sslmode={mode}", f"sslrootcert={certificates.ca}", "connect_timeout=5", "application_name=a"]
        verdicts = {
            secure(parse(f"postgres://u:p@h/d?{'&'.join(order)}")).tls
            for size in (2, 4)
            for order in permutations(parts[:size])
        }
        assert len(verdicts) == 1


def test_removing_a_parameter_never_raises_the_requested_level(certificates: Certificates) -> None:
    for mode, root in product(list(ASKS)[2:], ("system", str(certificates.ca))):
        both, bare = ({"sslmode": mode or "", "sslrootcert": root}, {"sslmode": mode or ""})
        levels = [
            requested(Connection("postgresql", "", (Host("h", 1),), "u", "d", None, Parameters(written)))
            for written in (both, bare)
        ]
        assert levels[0] >= levels[1]


@pytest.mark.parametrize("mode", ["disable", "prefer", "require"])
def test_several_hosts_are_as_safe_as_the_weakest(mode: str) -> None:
    demands = Demands(waive=("*.internal",))

    def outcome(*names: str) -> TlsLevel | str:
        hosts = tuple(PLACES[name].host for name in names)
        connection = Connection("postgresql", "", hosts, "u", "d", None, Parameters({"sslmode": mode}))
        verdict = judge(connection, Context(demands), "database")
        if not isinstance(verdict, SecuredConnection):
            return verdict[0].code
        assert verdict.tls.local is all(name == "loopback" for name in names)
        return verdict.tls.level

    for first, second in product(("remote", "waived", "loopback"), repeat=2):
        alone, together = [outcome(first), outcome(second)], outcome(first, second)
        refusals = [one for one in alone if not isinstance(one, TlsLevel)]
        levels = [one for one in alone if isinstance(one, TlsLevel)]
        # No host gets less because of the others: the strictest one decides for all of them.
        assert together == (refusals[0] if refusals else max(levels)), (first, second)


def codes(query: str, place: str = "h") -> list[str]:
    outcome = judge(parse(f"postgres://u:p@{place}/d?{query}"), Context(Demands()), "database")
    return [] if isinstance(outcome, SecuredConnection) else [problem.code for problem in outcome]


@pytest.mark.parametrize(
    ("query", "place", "refusals", "why"),
    [
        ("sslmode=prefer", "h,%2Frun", ["hosts-mixed"], "one promise for a socket and a network host"),
        ("sslmode=disable", "h,%2Frun", ["hosts-mixed"], "the same; h alone would be refused"),
        ("sslmode=disable", "%2Frun,%2Ftmp", [], "two sockets agree"),
        ("sslnegotiation=direct&sslmode=prefer", "localhost", ["direct-needs-tls"], "libpq would refuse it later"),
        ("sslnegotiation=direct&sslmode=require", "localhost", [], "TLS is sure"),
        ("sslnegotiation=direct", "h", [], "raised to require first"),
        ("sslnegotiation=direct", "%2Frun", ["direct-needs-tls"], "no TLS on a socket"),
        ("sslcert=CERT", "h", ["sslkey-missing"], "libpq would go on without a client certificate"),
        ("sslkey=KEY", "h", ["sslkey-missing"], "the other half"),
        ("sslcert=CERT&sslkey=KEY", "h", [], "both are there"),
        ("sslcert=/nowhere/a&sslkey=/nowhere/b", "h", ["tls-file-missing"] * 2, "libpq goes on without them"),
        ("sslcrl=CERT", "h", ["crl-without-ca"], "nothing is verified"),
        ("sslcrl=CERT&sslrootcert=CA", "h", [], "verified against both"),
        ("sslcrl=BROKEN&sslrootcert=CA", "h", ["crl-broken"], "libpq would go on without revocation"),
        ("sslcrl=/dev/null&sslrootcert=CA", "h", ["crl-broken"], "no regular file"),
        ("sslcrl=/nowhere&sslrootcert=CA", "h", ["tls-file-missing"], "the same"),
        ("sslcrldir=/nowhere&sslrootcert=CA", "h", ["tls-file-missing"], "libpq ignores a directory that is not there"),
        ("sslcrldir=LISTS", "h", ["crl-without-ca"], "nothing is verified"),
        ("sslcrldir=LISTS&sslmode=prefer", "localhost", ["crl-without-ca"], "nothing is verified"),
        ("sslcrldir=LISTS&sslcrl=CERT", "h", ["crl-without-ca", "crl-without-ca"], "nothing is verified"),
        ("sslcrldir=LISTS&sslrootcert=CA", "h", [], "verified against both"),
        ("sslcrldir=LISTS&sslcrl=CERT&sslrootcert=CA", "h", [], "verified against all"),
        ("sslcrldir=EMPTY&sslrootcert=CA", "h", ["crl-broken"], "libpq refuses to connect"),
        ("sslcrldir=UNHASHED&sslrootcert=CA", "h", ["crl-broken"], "OpenSSL does not look at it"),
        ("sslcrldir=CERT&sslrootcert=CA", "h", ["crl-broken"], "no directory"),
        ("sslcrldir=LISTS:EMPTY&sslrootcert=CA", "h", ["tls-file-missing"], "OpenSSL would split it"),
        ("sslmode=disable&sslrootcert=system", "h", ["tls-disabled", "sslmode-contradicts"], "two mistakes, both told"),
        ("sslrootcert=/nowhere", "h", ["ca-missing"], "T83, also where the mode would not verify"),
        ("sslmode=disable&sslrootcert=/nowhere", "localhost", ["ca-missing"], "stated, so it has to be there"),
        ("sslmode=require&sslrootcert=/nowhere", "%2Frun", [], "nothing is verified on a socket"),
    ],
)
def test_contradictions(
    certificates: Certificates, tmp_path: Path, query: str, place: str, refusals: list[str], why: str
) -> None:
    files = {"CERT": certificates.good.chain, "KEY": certificates.good.key, "CA": certificates.ca}
    files["BROKEN"] = certificates.not_pem
    for name, inside in {"LISTS": "0123abcd.r0", "EMPTY": "", "UNHASHED": "list.crl"}.items():
        files[name] = tmp_path / name
        files[name].mkdir()
        if inside:
            (files[name] / inside).touch()
    for word, path in files.items():
        query = query.replace(f"={word}", f"={path}")
    assert codes(query, place) == refusals, why


NEON = "ep-cool-darkness-123456.eu-central-1.aws.neon.tech"
RDS = "app-db.abcdefghijkl.eu-central-1.rds.amazonaws.com"
RDS_ELSEWHERE = "app-db.abcdefghijkl.us-gov-west-1.rds.amazonaws.com"
RAILWAY = "shuttle.proxy.rlwy.net:12345"
SCALINGO = "my-db-1.postgresql.a.osc-fr1.scalingo-dbs.com:31000"


@pytest.mark.parametrize(
    ("place", "query", "demands", "level", "why"),
    [
        (NEON, "", Demands(best=True), VERIFY_FULL, "a public CA"),
        (NEON, "", Demands(), ENCRYPTED, "not asked for"),
        (NEON, "?sslmode=verify-ca", Demands(), VERIFY_FULL, "a public CA"),
        (RDS, "", Demands(best=True), VERIFY_FULL, "the roots of the region are at hand"),
        (RDS, "", Demands(), ENCRYPTED, "not asked for"),
        (RDS, "?sslmode=verify-ca", Demands(), VERIFY_CA, "what is asked for"),
        (RDS_ELSEWHERE, "", Demands(best=True), ENCRYPTED, "no CA is at hand"),
        (RDS, "?sslrootcert=FILE", Demands(best=True), VERIFY_FULL, "the level of the record, as a CA is at hand"),
        (RDS, "", Demands(best=True, ca="FILE"), VERIFY_FULL, "the same, by the policy"),
        (NEON, "?sslrootcert=FILE", Demands(best=True), VERIFY_FULL, "the CA of the text, the level of the record"),
        ("h", "", Demands(best=True), ENCRYPTED, "the host is unknown"),
        (SCALINGO, "", Demands(best=True), ENCRYPTED, "the platform's CA is not mounted here"),
        (SCALINGO, "", Demands(best=True, ca="FILE"), VERIFY_CA, "the CA of the policy"),
        (SCALINGO, "?sslrootcert=FILE", Demands(best=True), VERIFY_CA, "the CA of the text"),
        (SCALINGO, "", Demands(best=True, floor=VERIFY_FULL, ca="FILE"), VERIFY_FULL, "best lowers no floor"),
    ],
)
def test_best(certificates: Certificates, place: str, query: str, demands: Demands, level: TlsLevel, why: str) -> None:
    file = str(certificates.ca)
    stated = replace(demands, ca=file) if demands.ca else demands
    secured = judged(f"postgres://u:p@{place}/d{query.replace('FILE', file)}", stated)
    assert secured.tls.level == level, why
    assert why == "a public CA" or not (secured.tls.ca and secured.tls.ca.kind == "system")


@pytest.mark.parametrize(
    ("place", "query", "code", "remedy"),
    [
        (NEON, "sslmode=verify-full&sslrootcert=/nowhere", "ca-missing", "Mount it"),
        (SCALINGO, "sslmode=verify-full", "ca-missing", "api/ca_certificate"),
        (SCALINGO, "sslrootcert=system", "ca-private", "api/ca_certificate"),
        (RDS, "sslrootcert=system", "ca-private", "Use sslmode=verify-full without sslrootcert"),
        (RDS_ELSEWHERE, "sslmode=verify-full", "ca-missing", "GovCloud"),
        (RAILWAY, "sslrootcert=system", "ca-private", "sslmode=require"),
        ("h", "sslmode=verify-ca", "ca-missing", "DATABASE_CA_CERT"),
    ],
    ids=["missing-file", "providers-remedy", "private-ca", "private-ca-at-hand", "other-region", "self-signed", "any"],
)
def test_ca_refused(place: str, query: str, code: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        secure(parse(f"postgres://u:p@{place}/d?{query}", "DATABASE_URL"))
    (problem,) = caught.value.problems
    assert (problem.code, problem.variable) == (code, "DATABASE_URL")
    assert remedy in problem.message


def test_a_providers_ca_that_is_mounted_is_at_hand(certificates: Certificates) -> None:
    endpoint = identify(parse(f"postgres://u:p@{SCALINGO}/d"))
    assert endpoint.provider
    assert endpoint.provider.certificates
    assert endpoint.ca is None
    for path, expected in ((str(certificates.ca), str(certificates.ca)), ("/nowhere", None)):
        mounted = endpoint.provider._replace(certificates=endpoint.provider.certificates._replace(ca=path))
        assert endpoint._replace(provider=mounted).ca == expected


def test_what_only_a_parameter_of_prismas_says_is_not_lowered(certificates: Certificates) -> None:
    """The provider's certificates are known to be self-signed, and that is stated: PostgreSQL has words of its own."""
    context = Context(Demands(ca=str(certificates.ca)), ProviderHints("railway"))
    outcome = judge(parse(f"postgres://u:p@{RAILWAY}/d?sslaccept=strict"), context, "database")
    assert isinstance(outcome, SecuredConnection)
    assert outcome.tls.level == VERIFY_FULL


def test_without_hints_nothing_is_stated() -> None:
    outcome = judge(parse("rediss://h:p@ec2-1-2-3-4.compute-1.amazonaws.com:6380"), Context(Demands()), "cache")
    assert isinstance(outcome, SecuredConnection)
    assert outcome.tls.level == VERIFY_FULL


@pytest.mark.parametrize("scheme", ["rediss://h", "amqps://u:p@h"])
def test_verify_ca_with_the_systems_cas_is_verify_full(scheme: str) -> None:
    """Of everybody's certificates by public CAs, none would be refused."""
    query = {"rediss://h": "ssl_check_hostname=false"}.get(scheme, "verify=verify_peer")
    secured = secure(parse(f"{scheme}?{query}"))
    assert (secured.tls.level, secured.tls.ca and secured.tls.ca.kind) == (VERIFY_FULL, "system")


def test_broken_ca_of_the_policy_is_blamed_on_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        secure(parse("postgres://u:p@h/d"), Policy(ca=str(tmp_path)))
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [("ca-directory", "Policy.ca")]


@pytest.mark.parametrize(
    ("query", "place", "demands", "evidence"),
    [
        (
            "",
            "h",
            Demands(),
            [
                "without sslmode, the client may fall back to an unencrypted connection",
                "raised to encrypted, the minimum set by ENVCONN_TLS",
            ],
        ),
        ("?sslmode=require", "h", Demands(), ["with sslmode=require, TLS is required, but the server is not verified"]),
        (
            "?sslmode=require",
            "%2Frun",
            Demands(),
            [
                "with sslmode=require, TLS is required, but the server is not verified",
                "every host is a unix socket or a loopback address",
                "TLS does not apply to a unix socket",
            ],
        ),
        (
            "?sslmode=disable",
            "h",
            Demands(waive=("h",)),
            ["with sslmode=disable, TLS is not used", "TLS is not required, because ENVCONN_TLS_WAIVE has h"],
        ),
        (
            "?sslmode=verify-full&sslrootcert=system",
            "h",
            Demands(best=True),
            [
                "with sslmode=verify-full and sslrootcert, the CA and the hostname are verified",
                "the server's certificate is checked against the system's CAs in FILE (SSL_CERT_FILE), named by V",
            ],
        ),
        (
            "?sslrootcert=system",
            "h",
            Demands(best=True, floor=VERIFY_CA),
            [
                "with sslrootcert, the CA and the hostname are verified",
                "the server's certificate is checked against the system's CAs in FILE (SSL_CERT_FILE), named by V",
            ],
        ),
    ],
    ids=["raised", "as-asked", "socket", "waived", "verified", "system-alone"],
)
def test_evidence(certificates: Certificates, query: str, place: str, demands: Demands, evidence: list[str]) -> None:
    evidence_found = judged(f"postgres://u:p@{place}/d{query}", demands).tls.evidence
    assert [sentence.replace(str(certificates.other_ca), "FILE") for sentence in evidence_found] == evidence


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sqlite:///x.db", "the database is a file, to which TLS does not apply"),
        ("redis://localhost/0", "with redis://, TLS is not used"),
        ("amqps://u:p@h/v", "with amqps://, the CA and the hostname are verified"),
        ("rediss://h/0?ssl_cert_reqs=none", "with rediss:// and its parameters, TLS is required, but the server"),
        ("mysql://u:p@h/d", "without ssl-mode, the client may fall back to an unencrypted connection"),
        ("mysql://u:p@h/d?ssl-mode=REQUIRED", "with mysql:// and its parameters, TLS is required, but the server"),
        ("rediss://h/0?ssl_ca_certs=FILE", "with rediss:// and its parameters, the CA and the hostname are verified"),
    ],
)
def test_evidence_in_words_that_the_text_has(certificates: Certificates, text: str, first: str) -> None:
    """``sslmode`` is libpq's alone."""
    evidence_found = judged(text.replace("FILE", str(certificates.ca)), Demands()).tls.evidence
    assert evidence_found[0].startswith(first)
    assert not any("sslmode" in sentence or ("sqlite" in text and "socket" in sentence) for sentence in evidence_found)


def test_loopback_that_must_have_tls_is_not_called_remote() -> None:
    """No waiver would help there, so none is offered."""
    demands = Demands(enforce_local=True)
    outcome = judge(parse("postgresql://u:p@localhost/d?sslmode=disable"), Context(demands), "database")
    assert isinstance(outcome, tuple)
    assert "a local host" in outcome[0].message
    assert "ENVCONN_TLS_WAIVE" not in outcome[0].message


def test_prismas_word_for_a_verified_server_is_not_lowered() -> None:
    with pytest.raises(ConfigurationError, match="verify-full requires a CA"):
        secure(parse("postgres://u:p@h/d?sslmode=require&sslaccept=strict"))
    strict = secure(parse("postgres://u:p@h/d?sslaccept=strict&sslrootcert=system"))
    assert (strict.tls.level, strict.tls.requested) == (VERIFY_FULL, VERIFY_FULL)
    lax = secure(parse("postgres://u:p@h/d?sslmode=require&sslaccept=accept_invalid_certs"))
    assert lax.tls.level == ENCRYPTED

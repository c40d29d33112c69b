"""How far a connection goes. What only looks local is the longer half."""

from __future__ import annotations

import pytest

from envconn import ConfigurationError, Policy, secure
from envconn.connection import Host
from envconn.tls.policy import Demands, Reach, reach

LOCAL = [
    (Host("/var/run/postgresql", 5432), "a unix socket"),
    (Host("@abstract", 5432), "an abstract socket"),
    (Host("localhost", 5432), "the name that RFC 6761 reserves"),
    (Host("LOCALHOST", 5432), "names have no case"),
    (Host("LocalHost", 5432), "nor half of it"),
    (Host("127.0.0.1", 5432), "loopback"),
    (Host("127.8.9.1", 5432), "all of 127.0.0.0/8 is loopback"),
    (Host("::1", 5432), "loopback"),
    (Host("0:0:0:0:0:0:0:1", 5432), "the same, written out"),
    (Host("localhost", 5432, "127.0.0.1"), "and the address agrees"),
    (Host("db.example", 10000, "127.0.0.1"), "a tunnel: what is dialled is what counts"),
    (Host("db.example", 10000, "::1"), "the same"),
]

REMOTE = [
    (Host("db.example", 5432), "any name"),
    (Host("10.0.0.1", 5432), "a private network is not this machine"),
    (Host("192.168.0.1", 5432), "nor is this one"),
    (Host("169.254.169.254", 5432), "link-local is another machine"),
    (Host("fe80::1%lo", 5432), "link-local, on whatever interface"),
    (Host("localhost", 5432, "10.0.0.1"), "the address has the last word"),
    (Host("localhost", 5432, "fd00::1"), "the same"),
    (Host("127.0.0.1", 5432, "10.0.0.1"), "also over an address"),
    (Host("127.0.0.1.evil.example", 5432), "a name that begins like loopback"),
    (Host("127.0.0.1.", 5432), "no address to Python, a name to the resolver"),
    (Host("localhost.", 5432), "no name of /etc/hosts: DNS is asked, and may answer with another machine"),
    (Host("LOCALHOST.", 5432), "the same"),
    (Host("localhost..", 5432), "nor this"),
    (Host("localhost.evil.example", 5432), "a name that begins like localhost"),
    (Host("evil.localhost.example", 5432), "or has it inside"),
    (Host("notlocalhost", 5432), "or ends like it"),
    (Host("db.localhost", 5432), "not every resolver knows RFC 6761"),
    (Host("localhost.localdomain", 5432), "a name like any other"),
    (Host("ip6-localhost", 5432), "a name that only /etc/hosts knows"),
    (Host("127.1", 5432), "inet_aton reads it, a verifier does not"),
    (Host("127.0.0.01", 5432), "octal to some"),
    (Host("0177.0.0.1", 5432), "octal to some"),
    (Host("0x7f.0.0.1", 5432), "hexadecimal to some"),
    (Host("0.0.0.0", 5432), "this host to Linux, nowhere to others"),  # noqa: S104 - not bound to
    (Host("::", 5432), "the same"),
    (Host("2130706433", 5432), "127.0.0.1 as one number"),
    (Host("::ffff:127.0.0.1", 5432), "IPv4 in IPv6, which Python judges differently since 3.13"),
    (Host("::127.0.0.1", 5432), "long abolished"),
    (Host("128.0.0.1", 5432), "one beside"),
    (Host("126.255.255.255", 5432), "one beside"),
    (Host("::2", 5432), "one beside"),
]


def described(hosts: list[tuple[Host, str]]) -> list[str]:
    return [f"{host} {host.hostaddr}".strip() for host, _ in hosts]


@pytest.mark.parametrize(("host", "why"), LOCAL, ids=described(LOCAL))
def test_local(host: Host, why: str) -> None:
    assert reach((host,), Demands()) == Reach(local=True, waived=None, exempt=True), why
    assert reach((host,), Demands(enforce_local=True)) == Reach(local=True, waived=None, exempt=False), why


@pytest.mark.parametrize(("host", "why"), REMOTE, ids=described(REMOTE))
def test_remote(host: Host, why: str) -> None:
    assert reach((host,), Demands()) == Reach(local=False, waived=None, exempt=False), why
    for local, _ in LOCAL:
        assert not reach((local, host), Demands()).local
        assert not reach((host, local), Demands()).exempt, why


@pytest.mark.parametrize(
    ("pattern", "host", "why"),
    [
        ("db.internal", Host("db.internal", 5432), "the name itself"),
        ("DB.internal", Host("db.INTERNAL", 5432), "names have no case"),
        ("*.internal", Host("a.b.internal", 5432), "a star covers dots, too"),
        ("db?", Host("db1", 5432), "one character"),
        ("10.0.0.1", Host("10.0.0.1", 5432), "an address is a pattern without a star"),
        ("10.0.0.0/8", Host("10.255.0.1", 5432), "T92: inside of the network"),
        ("fd00::/8", Host("fd12::1", 5432), "the same in IPv6"),
        ("10.0.0.0/8", Host("db.example", 5432, "10.0.0.1"), "the address that is dialled"),
        ("10.0.0.7/32", Host("10.0.0.7", 5432), "one address"),
        ("10.*", Host("10.1.2.3", 5432), "digits and a star"),
        ("9.*", Host("9.1.2.3", 5432), "one digit before the dot"),
        ("10.*", Host("db.example", 5432, "10.1.2.3"), "the same, of what is dialled"),
        ("10.0.0.?", Host("10.0.0.7", 5432), "one digit"),
        ("fd00::1", Host("fd00:0::1", 5432), "one address, in another spelling"),
        ("*10.internal", Host("db10.internal", 5432), "digits in a name"),
        ("db.internal.", Host("db.internal.", 5432), "a final dot, where the text has one"),
        ("XN--dtabase-5wa.internal", Host("xn--dtabase-5wa.internal", 5432), "an international name, as DNS has it"),
    ],
)
def test_waived(pattern: str, host: Host, why: str) -> None:
    assert reach((host,), Demands(waive=("nothing", pattern))) == Reach(local=False, waived=pattern, exempt=True), why


@pytest.mark.parametrize(
    ("pattern", "host", "why"),
    [
        ("db.internal", Host("db.internal.evil.example", 5432), "more behind the name"),
        ("db.internal", Host("evil-db.internal", 5432), "more before it"),
        ("*.internal", Host("internal", 5432), "the dot belongs to the pattern"),
        ("*.internal", Host("db.internal.", 5432), "another spelling proves nothing"),
        ("db?", Host("db12", 5432), "one character is one"),
        ("10.0.0.0/8", Host("11.0.0.1", 5432), "T92: outside of the network"),
        ("10.0.0.0/8", Host("db.example", 5432), "a name is in no network, wherever it leads"),
        ("10.0.0.0/8", Host("10.example", 5432), "a name that begins with the right digits"),
        ("10.0.0.0/8", Host("10.0.0.1.example", 5432), "or with the right address"),
        ("10.0.0.0/8", Host("10.0.0.1", 5432, "203.0.113.1"), "what is dialled is elsewhere"),
        ("10.0.0.0/8", Host("::ffff:10.0.0.1", 5432), "another family"),
        ("fd00::/8", Host("10.0.0.1", 5432), "the other way round"),
        ("fd00::/8", Host("fd.example", 5432), "a name"),
        ("127.0.0.0/8", Host("127.1", 5432), "no address to a verifier"),
        ("*.internal", Host("db.internal", 5432, "203.0.113.9"), "an address without a waiver"),
        ("db.internal", Host("db.internal", 5432, "10.0.0.1"), "nor this one, where the name is the very one"),
        ("db.internal", Host("db.internal", 5432, "fd00::1"), "nor in IPv6"),
        ("10.*", Host("10.evil.com", 5432), "a name that begins with the digits"),
        ("10.*", Host("10.0.0.1.evil.com", 5432), "or with an address"),
        ("10.*", Host("10.1", 5432), "what only the C library takes for an address"),
        ("10.*", Host("10.0.0.1", 5432, "203.0.113.9"), "the host is an address, and another one is dialled"),
        ("10.0.0.1", Host("010.0.0.1", 5432), "octal to some, decimal to others"),
        ("*1", Host("db1", 5432), "digits and stars are about addresses"),
        ("1?.0.0.1", Host("1a.0.0.1", 5432), "a letter is no digit"),
        ("*a*", Host("fd00::a", 5432), "letters are about names"),
        ("*.a", Host("::ffff:10.0.0.1", 5432), "and an address has none"),
        ("fd00::1", Host("fd00::2", 5432), "another address"),
        ("fd00::1", Host("fd00.example", 5432), "a name"),
        ("fe80::1", Host("fe80::1%eth0", 5432), "on one link only"),
        ("dtabase.internal", Host("xn--dtabase-5wa.internal", 5432), "a name that looks like it to some"),
        ("sqs://", Host("10.0.0.1", 5432), "a scheme covers no host"),
        ("sqs://", Host("sqs", 5432), "not even one that is called like it"),
    ],
)
def test_not_waived(pattern: str, host: Host, why: str) -> None:
    assert reach((host,), Demands(waive=("nothing", pattern))) == Reach(local=False, waived=None, exempt=False), why


def test_every_host_of_a_list_needs_a_waiver() -> None:
    waive = Demands(waive=("10.0.0.0/8", "*.internal"))
    a, b, c, local = Host("a.internal", 1), Host("10.0.0.1", 1), Host("c.example", 1), Host("localhost", 1)
    assert reach((a, b), waive).waived == "*.internal, 10.0.0.0/8"
    assert reach((a, a, local), waive).waived == "*.internal"
    assert reach((a, b, c), waive) == Reach(local=False, waived=None, exempt=False)
    assert reach((local, c), waive) == Reach(local=False, waived=None, exempt=False)


def test_enforcing_locally_leaves_waivers_alone() -> None:
    assert reach((Host("a", 1),), Demands(waive=("a",), enforce_local=True)).exempt


TEXTS = {
    "postgresql": "postgresql://app:pw@{}/app",
    "mysql": "mysql://app:pw@{}/app",
    "redis": "rediss://app:pw@{}/0",
    "sentinel": "rediss+sentinel://app:pw@{}/master/0",
    "amqp": "amqps://app:pw@{}/app",
}


@pytest.mark.parametrize("family", TEXTS)
@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("d\u00e4tabase.internal", "host-not-ascii"),
        ("db\uff0einternal", "host-not-ascii"),  # a full stop of full width: NFKC and IDNA make a dot of it
        ("db\u3002internal", "host-not-ascii"),  # the full stop of Chinese
        ("d\u00adb.internal", "host-not-ascii"),  # a hyphen that is not shown
        ("d\u0432.internal", "host-not-ascii"),  # Cyrillic
        ("local\uff48ost", "host-not-ascii"),
        ("lo\u0441alhost", "host-not-ascii"),
        ("localho\u017ft", "host-not-ascii"),  # upper() and casefold() make an s of it
        ("\uff1127.0.0.1", "host-not-ascii"),  # a digit to Python
        ("127\u30020\u30020\u30021", "host-not-ascii"),
        ("0177.0.0.1", "host-invalid"),
        ("0x7f.0.0.1", "host-invalid"),
        ("0x7f000001", "host-invalid"),
        ("127.0.0.0x1", "host-invalid"),
        ("127.1", "host-invalid"),
        ("2130706433", "host-invalid"),
    ],
)
def test_a_host_in_another_spelling_is_refused(family: str, host: str, code: str) -> None:
    """What a resolver, an address or a certificate might read differently; with a waiver, too."""
    for policy in (None, Policy(waive=["*.internal", "127.*"])):
        with pytest.raises(ConfigurationError) as caught:
            secure(TEXTS[family].format(host), policy=policy)
        assert code in [problem.code for problem in caught.value.problems]
    assert secure(TEXTS[family].format("localhost")).tls.local

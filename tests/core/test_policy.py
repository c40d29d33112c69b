"""The vocabulary of the verdict, and the policy that the environment or a program states."""

from __future__ import annotations

import pytest

from envconn import ConfigurationError, Policy, TlsLevel
from envconn.tls import SSLMODES
from envconn.tls.policy import stated

ENCRYPTED, VERIFY_CA, VERIFY_FULL = TlsLevel.ENCRYPTED, TlsLevel.VERIFY_CA, TlsLevel.VERIFY_FULL


def test_levels_are_ordered_from_nothing_to_everything() -> None:
    assert [str(level) for level in sorted(TlsLevel)] == [
        "none",
        "opportunistic",
        "encrypted",
        "verify-ca",
        "verify-full",
    ]


def test_words_of_libpq_lead_to_a_level_and_back() -> None:
    assert {word: SSLMODES[word].sslmode for word in SSLMODES} == {
        "disable": "disable",
        "allow": "prefer",  # libpq's `allow` tries clear text first; nobody is ever told to do that
        "prefer": "prefer",
        "require": "require",
        "verify-ca": "verify-ca",
        "verify-full": "verify-full",
    }


@pytest.mark.parametrize(
    ("values", "policy", "notes", "why"),
    [
        ({}, Policy(), [], "the default is in the class"),
        ({"ENVCONN_TLS": "", "ENVCONN_TLS_LOCAL": "", "ENVCONN_TLS_WAIVE": ""}, Policy(), [], "blank is not set"),
        ({"ENVCONN_TLS": "require"}, Policy(), [], "the least there is"),
        ({"ENVCONN_TLS": "verify-ca"}, Policy(floor=VERIFY_CA), [], "a word of libpq"),
        ({"ENVCONN_TLS": "verify-full"}, Policy(floor=VERIFY_FULL), [], "the most there is"),
        ({"ENVCONN_TLS": "best"}, Policy(best=True), [], "as far as the provider's certificates go"),
        ({"ENVCONN_TLS_LOCAL": "allow"}, Policy(), [], "the default, written out"),
        ({"ENVCONN_TLS_LOCAL": "enforce"}, Policy(enforce_local=True), [], "no exception for loopback"),
        ({"ENVCONN_TLS_WAIVE": "a"}, Policy(waive=("a",)), [], "one"),
        ({"ENVCONN_TLS_WAIVE": ", a,b  c\td\n,"}, Policy(waive=("a", "b", "c", "d")), [], "commas and white space"),
        ({"ENVCONN_TLS_WAIVE": "10.0.0.0/8,fd00::/8"}, Policy(waive=("10.0.0.0/8", "fd00::/8")), [], "networks"),
        ({"PGSSLMODE": "verify-full"}, Policy(floor=VERIFY_FULL), ["pgsslmode-stronger"], "it may raise the floor"),
        ({"PGSSLMODE": "require"}, Policy(), ["pgsslmode-overruled"], "T14: no more than the floor"),
        ({"PGSSLMODE": "disable"}, Policy(), ["pgsslmode-overruled"], "T15: it can never lower it"),
        ({"PGSSLMODE": "prefer"}, Policy(), ["pgsslmode-overruled"], "nor this"),
        (
            {"ENVCONN_TLS": "verify-full", "PGSSLMODE": "verify-ca"},
            Policy(floor=VERIFY_FULL),
            ["pgsslmode-overruled"],
            "the stronger of the two",
        ),
        (
            {"ENVCONN_TLS": "best", "PGSSLMODE": "verify-ca"},
            Policy(best=True, floor=VERIFY_CA),
            ["pgsslmode-stronger"],
            "both hold",
        ),
    ],
)
def test_stated(values: dict[str, str], policy: Policy, notes: list[str], why: str) -> None:
    answer = stated(values)
    assert (answer.problems, [note.code for note in answer.notes]) == ((), notes), why
    for field in ("floor", "best", "enforce_local", "waive", "ca"):
        assert getattr(answer.policy, field) == getattr(policy, field), why


@pytest.mark.parametrize(
    ("values", "ca_variable"),
    [
        ({"PGSSLROOTCERT": "c"}, "PGSSLROOTCERT"),
        ({"PGSSLROOTCERT": "c", "DATABASE_CA_CERT": "b"}, "DATABASE_CA_CERT"),
        ({"PGSSLROOTCERT": "c", "DATABASE_CA_CERT": "b", "ENVCONN_TLS_CA": "a"}, "ENVCONN_TLS_CA"),
        ({"PGSSLROOTCERT": "c", "DATABASE_CA_CERT": "", "ENVCONN_TLS_CA": ""}, "PGSSLROOTCERT"),
    ],
)
def test_ca_comes_from_the_variable_that_was_made_for_it(values: dict[str, str], ca_variable: str) -> None:
    policy = stated(values).policy
    assert (policy.ca, policy.ca_variable) == (values[ca_variable], ca_variable)


WAIVERS_REFUSED = [
    ("*", "waiver-too-wide", "everything"),
    ("**", "waiver-too-wide", "everything, twice"),
    ("?*", "waiver-too-wide", "everything of one letter and more"),
    ("*.*", "waiver-too-wide", "everything with a dot"),
    (".", "waiver-too-wide", "no name at all"),
    ("0.0.0.0/0", "waiver-too-wide", "the whole internet"),
    ("::/0", "waiver-too-wide", "the whole other internet"),
    ("10.0.0.1/8", "waiver-malformed", "host bits: was the host meant, or the network?"),
    ("10.0.0.0/33", "waiver-malformed", "IPv4 has 32 bits"),
    ("/", "waiver-malformed", "half a network"),
    ("/var/run/postgresql", "waiver-malformed", "a socket needs no waiver"),
    ("db.internal/24", "waiver-malformed", "a name has no network"),
    ("postgresql://u:Zq7xWv9kJb3@h/d", "waiver-malformed", "a URL"),
    ("[!_]*", "waiver-malformed", "a class of characters that covers every host and does not look like it"),
    ("[a-z]*.internal", "waiver-malformed", "no classes at all"),
]


@pytest.mark.parametrize(("pattern", "code", "why"), WAIVERS_REFUSED, ids=[row[0][:20] for row in WAIVERS_REFUSED])
def test_waivers_refused(pattern: str, code: str, why: str) -> None:
    answer = stated({"ENVCONN_TLS_WAIVE": f"db.internal,{pattern}"})
    (problem,) = answer.problems
    assert (problem.code, problem.variable) == (code, "ENVCONN_TLS_WAIVE"), why
    assert pattern not in problem.message or len(pattern) < 3
    assert answer.policy.waive == (), "what is judged in spite of the problem gets no waiver"
    with pytest.raises(ConfigurationError) as caught:
        Policy(waive=("db.internal", pattern))
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, "Policy.waive")]


def test_comma_alone_waives_nothing() -> None:
    assert stated({"ENVCONN_TLS_WAIVE": " ,\n, "}) == stated({})


@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ({"ENVCONN_TLS": "disable"}, "ENVCONN_TLS"),
        ({"ENVCONN_TLS": "prefer"}, "ENVCONN_TLS"),
        ({"ENVCONN_TLS": "off"}, "ENVCONN_TLS"),
        ({"ENVCONN_TLS": "REQUIRE"}, "ENVCONN_TLS"),
        ({"ENVCONN_TLS": "require "}, "ENVCONN_TLS"),
        ({"ENVCONN_TLS": "verify_full"}, "ENVCONN_TLS"),
        ({"ENVCONN_TLS": "Zq7xWv9kJb3"}, "ENVCONN_TLS"),
        ({"ENVCONN_TLS_LOCAL": "deny"}, "ENVCONN_TLS_LOCAL"),
        ({"ENVCONN_TLS_LOCAL": "Enforce"}, "ENVCONN_TLS_LOCAL"),
        ({"ENVCONN_TLS_LOCAL": "1"}, "ENVCONN_TLS_LOCAL"),
    ],
    ids=lambda value: "=".join(*value.items()) if isinstance(value, dict) else "",
)
def test_words_refused(values: dict[str, str], variable: str) -> None:
    answer = stated(values)
    assert [(problem.code, problem.variable) for problem in answer.problems] == [("policy-unknown", variable)]
    assert "Zq7xWv9kJb3" not in str(answer.problems)
    assert answer.policy.floor == ENCRYPTED, "the least that anything is judged by meanwhile"


def test_all_mistakes_are_told_at_once() -> None:
    answer = stated({"ENVCONN_TLS": "x", "ENVCONN_TLS_LOCAL": "y", "ENVCONN_TLS_WAIVE": "*, 1/1"})
    assert [problem.code for problem in answer.problems] == [
        "waiver-too-wide",
        "waiver-malformed",
        "policy-unknown",
        "policy-unknown",
    ]


@pytest.mark.parametrize("floor", [TlsLevel.NONE, TlsLevel.OPPORTUNISTIC])
def test_program_cannot_lower_the_floor_below_encryption(floor: TlsLevel) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Policy(floor=floor, waive=("*",))
    assert [problem.code for problem in caught.value.problems] == ["policy-floor", "waiver-too-wide"]


def test_policy_shows_no_ca() -> None:
    shown = repr(Policy(ca="-----BEGIN PRIVATE KEY-----", waive=("a",), best=True))
    assert shown == "<Policy floor=encrypted best=True enforce_local=False waive=['a']>"


@pytest.mark.parametrize("word", ["verify_full", "VERIFY-FULL"])
def test_misspelt_pgsslmode_is_no_wish_that_is_met(word: str) -> None:
    """libpq knows neither, and would not connect."""
    found = stated({"PGSSLMODE": word})
    assert [(problem.code, problem.variable) for problem in found.problems] == [("policy-unknown", "PGSSLMODE")]

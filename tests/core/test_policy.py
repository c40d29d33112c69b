"""The vocabulary of the verdict, and the policy that the environment or a program states."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from envconn import ConfigurationError, Policy, TlsLevel
from envconn.grammar.libpq_keywords import HOME_CA
from envconn.records import replace
from envconn.tls import SSLMODES
from envconn.tls.policy import Demands, combined, covered_scheme, stated, waived_in_code

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

NONE, OPPORTUNISTIC, ENCRYPTED, VERIFY_CA, VERIFY_FULL = TlsLevel


def test_levels_compare_by_strength() -> None:
    for below, above in pairwise(TlsLevel):
        assert below < above
        assert below <= above
        assert below <= below  # noqa: PLR0124 - what is asked
        assert not above <= below


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
        "allow": "prefer",  # libpq's `allow` tries without TLS first; no driver is ever told to do that
        "prefer": "prefer",
        "require": "require",
        "verify-ca": "verify-ca",
        "verify-full": "verify-full",
    }


@pytest.mark.parametrize(
    ("values", "demands", "notes", "why"),
    [
        ({}, Demands(), [], "the default is in the class"),
        ({"ENVCONN_TLS": "", "ENVCONN_TLS_LOCAL": "", "ENVCONN_TLS_WAIVE": ""}, Demands(), [], "blank is not set"),
        ({"ENVCONN_TLS": "require"}, Demands(), [], "the least there is"),
        ({"ENVCONN_TLS": "verify-ca"}, Demands(floor=VERIFY_CA), [], "a word of libpq"),
        ({"ENVCONN_TLS": "verify-full"}, Demands(floor=VERIFY_FULL), [], "the most there is"),
        ({"ENVCONN_TLS": "best"}, Demands(best=True), [], "as far as the provider's certificates go"),
        ({"ENVCONN_TLS_LOCAL": "allow"}, Demands(), [], "the default, written out"),
        ({"ENVCONN_TLS_LOCAL": "enforce"}, Demands(enforce_local=True), [], "no exception for loopback"),
        ({"ENVCONN_TLS_WAIVE": "a"}, Demands(waive=("a",)), [], "one"),
        ({"ENVCONN_TLS_WAIVE": ", a,b  c\td\n,"}, Demands(waive=("a", "b", "c", "d")), [], "commas and white space"),
        ({"ENVCONN_TLS_WAIVE": "10.0.0.0/8,fd00::/8"}, Demands(waive=("10.0.0.0/8", "fd00::/8")), [], "networks"),
        ({"PGSSLMODE": "verify-full"}, Demands(floor=VERIFY_FULL), ["pgsslmode-stronger"], "it may raise the floor"),
        ({"PGSSLMODE": "require"}, Demands(), ["pgsslmode-overruled"], "T14: no more than the floor"),
        ({"PGSSLMODE": "disable"}, Demands(), ["pgsslmode-overruled"], "T15: it can never lower it"),
        ({"PGSSLMODE": "prefer"}, Demands(), ["pgsslmode-overruled"], "nor this"),
        (
            {"ENVCONN_TLS": "verify-full", "PGSSLMODE": "verify-ca"},
            Demands(floor=VERIFY_FULL),
            ["pgsslmode-overruled"],
            "the stronger of the two",
        ),
        (
            {"ENVCONN_TLS": "best", "PGSSLMODE": "verify-ca"},
            Demands(best=True, floor=VERIFY_CA),
            ["pgsslmode-stronger"],
            "both hold",
        ),
    ],
)
def test_stated(values: dict[str, str], demands: Demands, notes: list[str], why: str) -> None:
    answer = stated(values)
    assert (answer.problems, [note.code for note in answer.notes]) == ((), notes), why
    for field in ("floor", "best", "enforce_local", "waive", "ca"):
        assert getattr(answer.demands, field) == getattr(demands, field), why


@pytest.mark.parametrize(
    ("values", "sslmode", "sslrootcert"),
    [
        ({"PGSSLMODE": "verify-full"}, VERIFY_FULL, NONE),
        ({"PGSSLMODE": "require", "PGREQUIRESSL": "1"}, ENCRYPTED, NONE),
        ({"PGSSLMODE": "prefer", "PGREQUIRESSL": "1"}, OPPORTUNISTIC, NONE),
        ({"PGREQUIRESSL": "1"}, ENCRYPTED, NONE),
        ({"PGREQUIRESSL": "0"}, NONE, NONE),
        ({"PGSSLROOTCERT": "system"}, NONE, VERIFY_FULL),
        ({"PGSSLROOTCERT": "/system"}, NONE, NONE),
        ({"ENVCONN_TLS_CA": "system"}, NONE, NONE),
        ({}, NONE, NONE),
    ],
)
def test_what_libpq_uses_for_what_a_text_leaves_out(
    values: dict[str, str], sslmode: TlsLevel, sslrootcert: TlsLevel
) -> None:
    found = stated(values).demands
    assert (found.sslmode, found.sslrootcert) == (sslmode, sslrootcert)


@pytest.mark.parametrize(
    ("names", "of_database", "of_broker"),
    [
        ("PGSSLROOTCERT", "PGSSLROOTCERT", None),
        ("PGSSLROOTCERT DATABASE_CA_CERT", "DATABASE_CA_CERT", None),
        ("PGSSLROOTCERT ENVCONN_TLS_CA", "ENVCONN_TLS_CA", "ENVCONN_TLS_CA"),
        ("DATABASE_CA_CERT ENVCONN_TLS_CA", "DATABASE_CA_CERT", "ENVCONN_TLS_CA"),
        ("PGSSLROOTCERT DATABASE_CA_CERT ENVCONN_TLS_CA", "DATABASE_CA_CERT", "ENVCONN_TLS_CA"),
        ("ENVCONN_TLS_CA", "ENVCONN_TLS_CA", "ENVCONN_TLS_CA"),
        ("PGSSLROOTCERT ~/.postgresql/root.crt", "PGSSLROOTCERT", None),
        ("ENVCONN_TLS_CA ~/.postgresql/root.crt", "ENVCONN_TLS_CA", "ENVCONN_TLS_CA"),
        ("", None, None),
    ],
)
def test_ca_comes_from_the_variable_that_was_made_for_it(
    names: str, of_database: str | None, of_broker: str | None
) -> None:
    demands = stated({name: f"the text of {name}" for name in names.split()} | {"ENVCONN_TLS": ""}).demands
    for family, name in {
        "postgresql": of_database,
        "mysql": of_database,
        "redis": of_broker,
        "amqp": of_broker,
    }.items():
        assert demands.ca_for(family) == (name and (f"the text of {name}", name))


def test_a_ca_in_the_home_is_for_postgresql() -> None:
    demands = stated({HOME_CA: "home"}).demands
    assert demands.ca_for("postgresql") == ("home", HOME_CA)
    assert demands.ca_for("mysql") is demands.ca_for("redis") is None


def test_a_program_s_ca_is_above_all() -> None:
    demands = combined(Policy(ca="code"), stated({"DATABASE_CA_CERT": "a", "ENVCONN_TLS_CA": "b"}).demands)
    assert demands.ca_for("postgresql") == demands.ca_for("redis") == ("code", "Policy.ca")


def test_a_ca_of_one_service_is_above_that_for_databases(certificates: Certificates) -> None:
    environ = {
        "DATABASE_URL": "postgresql://app:pw@db.example.com/app?sslmode=verify-full",
        "DATABASE_CA_CERT": str(certificates.ca),
        "ENVCONN_DATABASE_TLS_CA": str(certificates.other_ca),
    }
    found = envconn.load(environ, env_file=None).database.tls.ca
    assert found
    assert (found.path, found.variable) == (str(certificates.other_ca), "ENVCONN_DATABASE_TLS_CA")


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
    ("db.internal:5432", "waiver-malformed", "a port: no host has it"),
    ("*.internal:*", "waiver-malformed", "every port"),
    ("[fd00::1]", "waiver-malformed", "brackets belong to URLs"),
    ("fd00::*", "waiver-malformed", "an address in IPv6 has many spellings: use a block"),
    *((word, "waiver-malformed", "a switch") for word in ("true", "FALSE", "yes", "no", "On", "off", "1", "0")),
    ("fe80::1%eth0", "waiver-malformed", "a link of one machine"),
    (".internal", "waiver-malformed", "the way of cookies and NO_PROXY"),
    ("db..internal", "waiver-malformed", "an empty label"),
    (".10", "waiver-malformed", "nothing before a dot"),
    ("10.0.0.256", "waiver-malformed", "no address"),
    ("10.1.2.3.*", "waiver-malformed", "five parts"),
    ("010.*", "waiver-malformed", "octal to some"),
    ("99999999999999999999.*", "waiver-malformed", "many digits"),
    ("app@db.internal", "waiver-malformed", "a user"),
    ("db.internal;", "waiver-malformed", "another list"),
    ("d\u00fc.internal", "waiver-malformed", "DNS has its xn-- form"),
    ("*.*.*.*", "waiver-too-wide", "every IPv4 address"),
    ("postgresql://", "waiver-too-wide", "every PostgreSQL"),
    ("RedisS://", "waiver-too-wide", "every Redis"),
    ("mysql+pymysql://", "waiver-too-wide", "every MySQL"),
    ("sqs://a", "waiver-malformed", "a URL of what cannot be judged"),
    ("*://", "waiver-malformed", "every scheme"),
    ("a://b://", "waiver-malformed", "two schemes"),
]


@pytest.mark.parametrize(("pattern", "code", "why"), WAIVERS_REFUSED, ids=[row[0][:20] for row in WAIVERS_REFUSED])
def test_waivers_refused(pattern: str, code: str, why: str) -> None:
    answer = stated({"ENVCONN_TLS_WAIVE": f"db.internal,{pattern}"})
    (problem,) = answer.problems
    assert (problem.code, problem.variable) == (code, "ENVCONN_TLS_WAIVE"), why
    assert pattern not in problem.message or len(pattern) < 3
    assert answer.demands.waive == (), "what is judged in spite of the problem gets no waiver"
    with pytest.raises(ConfigurationError) as caught:
        Policy(waive=("db.internal", pattern))
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [(code, "Policy.waive")]


@pytest.mark.parametrize(
    ("text", "waive", "covered"),
    [
        ("sqs://", ("x://", "sqs://"), "sqs://"),
        (" SQS://key@", ("sqs://",), "sqs://"),
        ("sqs://", ("SQS://",), "SQS://"),
        ("mongodb+srv://h", ("mongodb://",), "mongodb://"),
        ("mongodb+srv://h", ("mongodb+srv://",), "mongodb+srv://"),
        ("mongodb+srv://h", ("srv://",), None),
        ("mongodb://h", ("mongodb+srv://",), None),
        ("mongodb://sqs", ("sqs://", "mongodb", "*"), None),
        ("mongodb://h/sqs://", ("sqs://",), None),
        ("mongodb://h+sqs", ("sqs://",), None),
        ("mongodb://h", (), None),
        ("sqs://;gcpubsub://x", ("gcpubsub://", "sqs://"), "sqs://, gcpubsub://"),
        ("sqs://;SQS://x", ("sqs://",), "sqs://"),
        ("sqs://;gcpubsub://x", ("sqs://",), None),
        ("gcpubsub://x;sqs://", ("sqs://",), None),
        ("sqs://;redis://:p@h", ("sqs://",), None),
        ("sqs://;rediss://:p@h", ("sqs://", "redis://"), None),
        ("sqs://;h", ("sqs://",), None),
        ("sqs://;", ("sqs://",), None),
    ],
)
def test_a_waiver_may_name_a_scheme(text: str, waive: tuple[str, ...], covered: str | None) -> None:
    assert covered_scheme(text, waive) == covered


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
    assert "Use require for encrypted" not in str(answer.problems)
    assert answer.demands.floor == ENCRYPTED, "the least that anything is judged by meanwhile"


def test_the_level_is_no_word_for_it() -> None:
    (problem,) = stated({"ENVCONN_TLS": "encrypted"}).problems
    assert problem.message.endswith("best. Use require for encrypted")


def test_all_mistakes_are_reported_at_once() -> None:
    answer = stated({"ENVCONN_TLS": "x", "ENVCONN_TLS_LOCAL": "y", "ENVCONN_TLS_WAIVE": "*, 1/1"})
    assert [problem.code for problem in answer.problems] == [
        "waiver-too-wide",
        "waiver-malformed",
        "policy-unknown",
        "policy-unknown",
    ]


@pytest.mark.parametrize(
    ("arguments", "variable", "words"),
    [
        ({"tls": "encrypted"}, "Policy.tls", "require"),
        ({"tls": "prefer"}, "Policy.tls", "require, verify-ca, verify-full or best"),
        ({"tls": "none"}, "Policy.tls", "require"),
        ({"tls": TlsLevel.OPPORTUNISTIC}, "Policy.tls", "require"),
        ({"tls": "VERIFY-FULL"}, "Policy.tls", "verify-full"),
        ({"local": "deny"}, "Policy.local", "allow or enforce"),
    ],
)
def test_words_refused_in_code(arguments: dict[str, Any], variable: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        Policy(**arguments)
    assert [(problem.code, problem.variable) for problem in caught.value.problems] == [("policy-unknown", variable)]


def test_all_mistakes_of_a_program_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Policy(tls="disable", waive=("*",))  # type: ignore[arg-type]
    assert [problem.code for problem in caught.value.problems] == ["policy-unknown", "waiver-too-wide"]


@pytest.mark.parametrize(
    "arguments", [{"waive": "db"}, {"floor": "require"}, {"ca": 1}, {"tls": ["require"]}, {"tls": 1}]
)
def test_arguments_refused(arguments: dict[str, Any]) -> None:
    """``waive="db"`` would be the hosts d and b."""
    with pytest.raises(TypeError):
        Policy(**arguments)


ENVIRONMENT = Demands(
    VERIFY_CA,
    waive=("a",),
    ca="a.pem",
    ca_variable="ENVCONN_TLS_CA",
    database_ca="d.pem",
    database_ca_variable="DATABASE_CA_CERT",
    sslmode=VERIFY_CA,
    sslrootcert=VERIFY_FULL,
    demanded={"require_auth": "scram-sha-256"},
    ignored={"ENVCONN_TLS_WAIVE": ".env:1"},
)
OURS = {"ca_variable": "Policy.ca", "database_ca": None, "database_ca_variable": ""}


@pytest.mark.parametrize(
    ("policy", "changes", "why"),
    [
        (None, {}, "nothing is left out, for nothing is stated"),
        (Policy(), {}, "what is left out is the environment's"),
        (Policy(tls="verify-full"), {"floor": VERIFY_FULL}, "the stricter counts"),
        (Policy(tls="require"), {}, "of two, also where the program's is the weaker"),
        (Policy(tls="best"), {"best": True}, "as far as the provider's certificates go, and no less than before"),
        (Policy(local="enforce"), {"enforce_local": True}, "the stricter counts"),
        (Policy(waive=["b", "c"]), {"waive": ("b", "c")}, "any sequence; in the place of the environment's"),
        (Policy(waive=()), {"waive": ()}, "no waiver at all"),
        (Policy(waive=iter(["b"])), {"waive": ("b",)}, "what can be gone through once"),  # type: ignore[arg-type]
        (Policy(ca=""), {}, "blank is not set, as in the environment: it takes no CA away"),
        (Policy(ca=" "), {}, "nor does a space"),
        (Policy(ca="b.pem"), {"ca": "b.pem", **OURS}, "what it is called in messages, too"),
        (Policy(ca=Path("b.pem")), {"ca": "b.pem", **OURS}, "a path"),
    ],
)
def test_combined(policy: Policy | None, changes: dict[str, Any], why: str) -> None:
    assert replace(combined(policy, ENVIRONMENT), places={}) == replace(ENVIRONMENT, **changes), why


@pytest.mark.parametrize(
    ("policy", "variable"),
    [
        (Policy(tls="verify-full"), "ENVCONN_TLS"),
        (Policy(local="enforce"), "ENVCONN_TLS_LOCAL"),
        (Policy(waive=["b"]), "ENVCONN_TLS_WAIVE"),
        (Policy(waive=[]), "ENVCONN_TLS_WAIVE"),
    ],
)
def test_what_a_program_states_is_its_own(policy: Policy, variable: str) -> None:
    own = variable.removeprefix("ENVCONN_TLS").removeprefix("_").lower() or "tls"
    assert combined(policy, ENVIRONMENT).place(variable) == f"Policy.{own}"
    placed = replace(ENVIRONMENT, places={variable: f"{variable} (.env:1)", "PGSSLROOTCERT": "PGSSLROOTCERT (.env:2)"})
    assert combined(policy, placed).place("PGSSLROOTCERT") == "PGSSLROOTCERT (.env:2)"
    assert combined(Policy(tls="verify-ca", local="allow"), ENVIRONMENT).place(variable) == variable
    strict = replace(ENVIRONMENT, enforce_local=True)
    assert combined(Policy(local="enforce"), strict).place(variable) == variable


def test_a_remedy_names_the_place_if_a_less_trusted_one_is_not_used() -> None:
    assert ENVIRONMENT.remedy("ENVCONN_TLS_WAIVE") == "ENVCONN_TLS_WAIVE in the process environment"
    assert ENVIRONMENT.remedy("ENVCONN_TLS_CA") == "ENVCONN_TLS_CA"


def test_the_environment_enforces_what_a_program_allows() -> None:
    assert combined(Policy(local="allow"), Demands(enforce_local=True)).enforce_local
    assert combined(Policy(tls="require"), Demands(best=True)).best


def test_a_policy_cannot_be_forged() -> None:
    policy = Policy(waive=("a",))
    with pytest.raises(AttributeError):
        policy.waive = ("*",)
    with pytest.raises(AttributeError):
        del policy.waive
    object.__setattr__(policy, "waive", ("*",))
    with pytest.raises(ConfigurationError):
        combined(policy)
    assert repr(Policy(waive=("a",))) == "Policy(waive=('a',))"
    policy = Policy()
    object.__setattr__(policy, "tls", "none")
    with pytest.raises(ConfigurationError):
        combined(policy)
    for forged in (Demands(TlsLevel.NONE), ENVIRONMENT, "verify-full", type("Loose", (Policy,), {})()):
        with pytest.raises(TypeError):
            combined(forged)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", [Policy(), Policy(tls="best", local="enforce", waive=("a",), ca="a.pem")])
def test_a_policy_can_be_copied_and_sent(policy: Policy) -> None:
    for other in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):  # noqa: S301 - our own
        assert combined(other) == combined(policy)


def test_a_waiver_in_code_is_a_note() -> None:
    assert [note.code for note in waived_in_code(Policy(waive=("a", "b")))] == ["waiver-in-code"]
    assert waived_in_code(Policy(tls="verify-full")) == waived_in_code(Policy(waive=())) == waived_in_code(None) == ()


def test_policy_shows_no_ca() -> None:
    shown = repr(Policy(ca="-----BEGIN PRIVATE KEY-----", waive=("a",), tls="best"))
    assert shown == "Policy(tls='best', waive=('a',), ca='...')"
    assert repr(Policy(local="enforce")) == "Policy(local='enforce')"


@pytest.mark.parametrize("word", ["verify_full", "VERIFY-FULL"])
def test_misspelt_pgsslmode_is_an_error(word: str) -> None:
    """libpq knows neither, and would not connect."""
    found = stated({"PGSSLMODE": word})
    assert [(problem.code, problem.variable) for problem in found.problems] == [("policy-unknown", "PGSSLMODE")]

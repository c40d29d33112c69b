"""The remedy of each code works: its example leads to the code, and the corrected line to a connection."""

from __future__ import annotations

import base64
import re
import shlex
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import pytest

from envconn import ConfigurationError, load
from envconn.codes import SECTIONS
from envconn.grammar.references import FORMS, Form
from envconn.grammar.text import may_have_form
from environments import COMPONENTS, MISPLACED, PASTED, PLACEHOLDERS, REFERENCES
from leaks import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envconn import Finding
    from throwaway.certificates import Certificates

EXAMPLES = {
    code: (remedy.example, remedy.corrected)
    for codes in SECTIONS.values()
    for code, remedy in codes.items()
    if remedy.example
}
URL = "postgresql://app:secret@db.example.com/app"


def codes(line: str) -> list[str]:
    """Return the codes of the problems of the environment that `line` states, as a shell reads it."""
    environ = dict(word.split("=", 1) for word in shlex.split(line))
    try:
        load(environ, env_file=None)
    except ConfigurationError as error:
        return [problem.code for problem in error.problems]
    return []


def test_there_are_enough_examples() -> None:
    assert len(EXAMPLES) >= 60


# What a mistake leads to as well.
FOLLOWING = {
    "sslmode-contradicts": {"tls-disabled"},
    "crl-without-ca": {"crl-broken"},
    "waiver-malformed": {"tls-disabled"},
    "waiver-too-wide": {"tls-disabled"},
}


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_leads_to_its_code(code: str) -> None:
    assert set(codes(EXAMPLES[code][0])) == {code, *FOLLOWING.get(code, ())}


@pytest.mark.parametrize("code", EXAMPLES)
def test_remedy_removes_it(code: str) -> None:
    assert codes(EXAMPLES[code][1]) == []


@pytest.mark.parametrize(
    ("parts", "variable", "remedy", "corrected"),
    [
        ({"DB_NAME": "app"}, "DB_USER", "Set it to the user", {"DB_USER": "app"}),
        ({"DB_USER": "app"}, "DB_NAME", "Set it to the name", {"DB_NAME": "app"}),
        ({"DB_USER": "app", "DB_DATABASE": " "}, "DB_DATABASE", "Set it to the name", {"DB_DATABASE": "app"}),
        ({"DB_USER": "app", "DB_NAME": "app", "DB_PORT": "x"}, "DB_PORT", "Set it to 1 to 65535", {"DB_PORT": "5432"}),
        ({"DB_USER": "app", "DB_NAME": "app", "DB_PORT": "0"}, "DB_PORT", "Set it to 1 to 65535", {"DB_PORT": "5432"}),
        (
            {"DB_USER": "app", "DB_NAME": "app", "DB_SSLMODE": "requier"},
            "DB_SSLMODE",
            "Use require",
            {"DB_SSLMODE": "require"},
        ),
    ],
)
def test_parts_are_named_by_their_own_variables(
    parts: dict[str, str], variable: str, remedy: str, corrected: dict[str, str]
) -> None:
    environ = {"DB_HOST": "db.example.com", **parts}
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    (problem,) = caught.value.problems
    assert problem.variable == variable
    assert remedy in problem.message.partition(". ")[2]
    assert load(environ | corrected, env_file=None).database.origin.variable == "DB_HOST"


LIBPQ = {"PGHOST": "db.example.com", "PGUSER": "app", "PGDATABASE": "app"}
NOWHERE = "/nowhere/at/all"
SYSTEM = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "system"}
OF_UPSUN = {
    "DATABASE_HOST": "db.example.com",
    "DATABASE_SCHEME": "mysql",
    "DATABASE_USERNAME": "app",
    "DATABASE_PATH": "app",
}


@pytest.mark.parametrize(
    ("environ", "remedy", "corrected"),
    [
        (LIBPQ | {"PGHOST": "a b"}, "PGHOST: is not a hostname", {"PGHOST": "a"}),
        (LIBPQ | {"PGHOSTADDR": "db"}, "PGHOSTADDR: is not an IP address", {"PGHOSTADDR": "10.0.0.1"}),
        (
            LIBPQ | {"PGHOSTADDR": "10.0.0.1,10.0.0.2"},
            "PGHOSTADDR: there are 2 values of PGHOSTADDR",
            {"PGHOSTADDR": ""},
        ),
        (LIBPQ | {"PGHOST": "/run", "PGHOSTADDR": "10.0.0.1"}, "PGHOSTADDR: is set for a socket", {"PGHOSTADDR": ""}),
        (LIBPQ | {"PGPORT": "1,2"}, "PGPORT: there are 2 ports for 1 hosts", {"PGPORT": "5432"}),
        (LIBPQ | {"PGDATABASE": "x" * 64}, "PGDATABASE: has more than 63 bytes. Shorten it", {"PGDATABASE": "x"}),
        (
            LIBPQ | {"PGPASSWORD": "a\x01b"},
            "PGPASSWORD: there is a control character at character 2",
            {"PGPASSWORD": "a"},
        ),
        (LIBPQ | {"PGSSLMODE": "on"}, "PGSSLMODE: is invalid. Use require", {"PGSSLMODE": "require"}),
        (LIBPQ | {"PGSSLMODE": "disable"}, "Use PGSSLMODE=require", {"PGSSLMODE": "require"}),
        (LIBPQ | {"PGSSLMODE": "verify-full"}, "PGSSLMODE: verify-full requires a CA. Add PGSSLROOTCERT=/path", SYSTEM),
        (LIBPQ | {"PGSSLROOTCERT": NOWHERE}, "PGSSLROOTCERT: the file does not exist. Mount it", {"PGSSLROOTCERT": ""}),
        (
            LIBPQ | {"PGSSLNEGOTIATION": "fast"},
            "PGSSLNEGOTIATION: is invalid. Use postgres or",
            {"PGSSLNEGOTIATION": ""},
        ),
        (LIBPQ | {"PGSSLCERTMODE": "on"}, "PGSSLCERTMODE: is invalid. Use disable, allow", {"PGSSLCERTMODE": "allow"}),
        (LIBPQ | {"PGSSLSNI": "2"}, "PGSSLSNI: is invalid. Use 0 or 1", {"PGSSLSNI": "1"}),
        (LIBPQ | {"PGREQUIREAUTH": "x"}, "PGREQUIREAUTH: is invalid: expected methods", {"PGREQUIREAUTH": "md5"}),
        (LIBPQ | {"PGCHANNELBINDING": "yes"}, "PGCHANNELBINDING: is invalid. Use", {"PGCHANNELBINDING": "require"}),
        (LIBPQ | {"PGTARGETSESSIONATTRS": "x"}, "PGTARGETSESSIONATTRS: is inv", {"PGTARGETSESSIONATTRS": "any"}),
        (LIBPQ | {"PGGSSDELEGATION": "x"}, "PGGSSDELEGATION: is invalid. Use 0 or 1", {"PGGSSDELEGATION": "0"}),
        (LIBPQ | {"PGCONNECT_TIMEOUT": "x"}, "PGCONNECT_TIMEOUT: is invalid: expected", {"PGCONNECT_TIMEOUT": "3"}),
        (
            LIBPQ | {"PGSSLMINPROTOCOLVERSION": "TLSv1.1"},
            "PGSSLMINPROTOCOLVERSION: allows a TLS version that is not secure",
            {"PGSSLMINPROTOCOLVERSION": "TLSv1.2"},
        ),
        (
            LIBPQ | {"PGSSLMINPROTOCOLVERSION": "TLSv1.3", "PGSSLMAXPROTOCOLVERSION": "TLSv1.2"},
            "PGSSLMINPROTOCOLVERSION: is above PGSSLMAXPROTOCOLVERSION. Remove one",
            {"PGSSLMAXPROTOCOLVERSION": ""},
        ),
        (
            LIBPQ | SYSTEM | {"PGSSLCRL": NOWHERE},
            "PGSSLCRL: the path cannot be read. Mount the file, or correct the path",
            {"PGSSLCRL": ""},
        ),
        ({**OF_UPSUN, "DATABASE_PORT": "x"}, "DATABASE_PORT: is not a number", {"DATABASE_PORT": "3306"}),
        ({**OF_UPSUN, "DATABASE_USERNAME": " "}, "DATABASE_USERNAME: not set. Set it", {"DATABASE_USERNAME": "app"}),
        ({**OF_UPSUN, "DATABASE_PATH": "a/b"}, "DATABASE_PATH: has a slash", {"DATABASE_PATH": "app"}),
        (
            {**OF_UPSUN, "DATABASE_SSLMODE": "disable"},
            "DATABASE_SSLMODE: TLS is turned off for a remote host. Use DATABASE_SSLMODE=REQUIRED",
            {"DATABASE_SSLMODE": "REQUIRED"},
        ),
        (
            {**OF_UPSUN, "DATABASE_SSLMODE": "verify-full"},
            "DATABASE_SSLMODE: verify-full requires a CA. Set DATABASE_CA_CERT to its path",
            {"DATABASE_CA_CERT": "system"},
        ),
        ({**OF_UPSUN, "DATABASE_SSLMODE": "onn"}, "DATABASE_SSLMODE: ", {"DATABASE_SSLMODE": "require"}),
        (
            {**OF_UPSUN, "DATABASE_SCHEME": "redis"},
            "DATABASE_SCHEME: names an engine",
            {"DATABASE_SCHEME": "mysql"},
        ),
        (
            {**OF_UPSUN, "DATABASE_SCHEME": "amqp"},
            "DATABASE_SCHEME: names an engine",
            {"DATABASE_SCHEME": "mysql"},
        ),
    ],
)
def test_remedies_for_parts_name_parts(environ: dict[str, str], remedy: str, corrected: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    (problem,) = caught.value.problems
    assert remedy in str(problem)
    assert "ssl" not in str(problem), "a keyword that is no part"
    assert load(environ | corrected, env_file=None).database.host


AIVEN = "rediss://default:p@valkey-1-proj.a.aivencloud.com:12345"
RAILWAY = "app:p@shuttle.proxy.rlwy.net:12345/d"
NO_CA = "the provider's certificates are self-signed and have no CA"


@pytest.mark.parametrize(
    ("environ", "remedy", "corrected"),
    [
        ({"CACHE_URL": AIVEN}, "name the file in ENVCONN_TLS_CA", {"ENVCONN_TLS_CA": "{ca}"}),
        ({"BROKER_URL": AIVEN}, "name the file in ENVCONN_TLS_CA", {"ENVCONN_BROKER_TLS_CA": "{ca}"}),
        (
            {"DATABASE_URL": f"mysql://{RAILWAY}", "ENVCONN_TLS": "verify-full"},
            "requires a CA. Add ssl-ca=/path, or set DATABASE_CA_CERT",
            {"DATABASE_CA_CERT": "{ca}"},
        ),
        (
            {"DATABASE_URL": f"mysql://{RAILWAY}?ssl-mode=VERIFY_IDENTITY"},
            "requires a CA. Add ssl-ca=/path, or set DATABASE_CA_CERT",
            {"DATABASE_URL": f"mysql://{RAILWAY}?ssl-mode=VERIFY_IDENTITY&ssl-ca={{ca}}"},
        ),
        (
            {"DATABASE_URL": f"postgresql://{RAILWAY}", "ENVCONN_TLS": "verify-full"},
            f"Use sslmode=require, and set ENVCONN_DATABASE_TLS=require: {NO_CA}",
            {"DATABASE_URL": f"postgresql://{RAILWAY}?sslmode=require", "ENVCONN_DATABASE_TLS": "require"},
        ),
        (
            {"DATABASE_URL": f"postgresql://{RAILWAY}", "PGSSLMODE": "verify-full"},
            f"Use sslmode=require, and set PGSSLMODE=require: {NO_CA}",
            {"PGSSLMODE": "require"},
        ),
        (
            {"DATABASE_URL": f"postgresql://{RAILWAY}?sslmode=verify-full"},
            f"Use sslmode=require: {NO_CA}",
            {"DATABASE_URL": f"postgresql://{RAILWAY}?sslmode=require"},
        ),
    ],
)
def test_what_a_provider_without_a_public_ca_needs(
    certificates: Certificates, environ: dict[str, str], remedy: str, corrected: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    (problem,) = caught.value.problems
    assert remedy in problem.message
    assert load(environ | {name: text.format(ca=certificates.ca) for name, text in corrected.items()}, env_file=None)


@pytest.mark.parametrize(
    ("mode", "level"),
    [("require", "verify-ca"), ("REQUIRED", "verify-ca"), ("verify-full", "verify-full"), ("VERIFY_CA", "verify-ca")],
)
def test_level_in_the_parts_of_mysql(certificates: Certificates, mode: str, level: str) -> None:
    environ = {**OF_UPSUN, "DATABASE_SSLMODE": mode, "DATABASE_CA_CERT": str(certificates.ca)}
    assert str(load(environ, env_file=None).database.tls.level) == level


SCALINGO = "abc.redis.a.osc-fr1.scalingo-dbs.com:36000"


@pytest.mark.parametrize(
    ("corrected", "level"),
    [
        ({"REDIS_TLS_URL": f"rediss://:secret@{SCALINGO}", "ENVCONN_TLS_CA": "{ca}"}, "verify-full"),
        (
            {"REDIS_TLS_URL": f"rediss://:secret@{SCALINGO}?ssl_check_hostname=false", "ENVCONN_TLS_CA": "{ca}"},
            "verify-ca",
        ),
        ({"ENVCONN_TLS_WAIVE": "*.scalingo-dbs.com"}, "none"),
    ],
)
def test_tls_for_the_redis_of_scalingo(certificates: Certificates, corrected: dict[str, str], level: str) -> None:
    """The platform's URL stays as it is."""
    environ = {"SCALINGO_REDIS_URL": f"redis://:secret@{SCALINGO}"}
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    text = str(caught.value)
    for part in ("Turn on Force TLS", "set REDIS_TLS_URL to this URL with rediss://", "all data are sent unencrypted"):
        assert part in text
    environ |= {name: value.replace("{ca}", str(certificates.ca)) for name, value in corrected.items()}
    assert str(load(environ, env_file=None).cache.tls.level) == level


ONCE = [
    ({"REDIS_URL": URL}, ["kind-unexpected"]),
    ({"CACHE_URL": URL}, ["kind-unexpected"]),
    ({"BROKER_URL": URL, "CACHE_URL": URL}, ["kind-unexpected", "kind-unexpected"]),
    ({"DATABASE_URL": "rediss://:p@r.example.com"}, ["kind-unexpected"]),
    ({"DATABASE_URL": URL, "DATABASE_REPLICA_URL": "rediss://:p@r.example.com"}, ["kind-unexpected"]),
    (LIBPQ | {"PGREQUIREAUTH": "x"}, ["value-unknown"]),
    (LIBPQ | {"PGSSLMODE": "x"}, ["sslmode-unknown"]),
    ({"DATABASE_URL": URL, "PGREQUIREAUTH": "x"}, ["policy-unknown"]),
    ({"DATABASE_URL": URL, "PGSSLMODE": "x"}, ["policy-unknown"]),
    ({"DATABASE_URL": f"{URL}?sslrootcert={NOWHERE}&sslcrl="}, ["value-empty"]),
    ({"DATABASE_URL": f"{URL}?sslrootcert={NOWHERE}&sslcrl={NOWHERE}"}, ["tls-file-missing", "ca-missing"]),
]


@pytest.mark.parametrize(("environ", "expected"), ONCE)
def test_one_cause_is_reported_once(environ: dict[str, str], expected: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ, env_file=None)
    assert [problem.code for problem in caught.value.problems] == expected


# What is written, the words of the message that say what to do, and what is written when they have been followed.
FOLLOWED = [
    ("?sslmode=VERIFY-FULL", "Use verify-full, in lower case", "?sslmode=verify-full&sslrootcert=system"),
    ("?sslmode=verify_full", "Use verify-full", "?sslmode=verify-full&sslrootcert=system"),
    ("?sslmode=disabled", "Use require, verify-ca or verify-full", "?sslmode=require"),
    ("?sslmode=on", "Use require, verify-ca or verify-full", "?sslmode=require"),
    ("?sslmode=no-verify", "Use sslmode=require", "?sslmode=require"),
    ("?sslmode=disable", "Use sslmode=require or stronger", "?sslmode=require"),
    ("?sslmode=verify-ca", "Add sslrootcert=/path, or sslrootcert=system", "?sslmode=verify-full&sslrootcert=system"),
    ("?sslmode=verify-full", "sslrootcert=system for a public CA", "?sslmode=verify-full&sslrootcert=system"),
    ("?ssl=false", "Use sslmode=require", "?sslmode=require"),
    ("?ssl=on", "Use sslmode=require", "?sslmode=require"),
    ("?ssl-mode=require", "Use sslmode", "?sslmode=require"),
    ("?options[work_mem]=1MB", "options=-c%20name%3Dvalue", "?options=-c%20work_mem%3D1MB"),
    ("?host=other.example.com", "Keep one, or write a list", ""),
    ("?tls=true", "Use sslmode=require", "?sslmode=require"),
    ("?requiressl=1", "Use sslmode=require", "?sslmode=require"),
    ("?SSLMODE=require", "Use sslmode, in lower case", "?sslmode=require"),
    ("?timeout=5", "Use connect_timeout, in seconds", "?connect_timeout=5"),
    ("?charset=utf8", "Use client_encoding", "?client_encoding=utf8"),
    ("?statement_timeout=5s", "options=-c%20name%3Dvalue", "?options=-c%20statement_timeout%3D5s"),
    ("?connect_timeout=", "Write one, or remove connect_timeout", "?connect_timeout=5"),
    ("?sslcert=/etc/hostname", "Name both files, or neither", ""),
    ("?sslkeylogfile=/x", "Remove it", ""),
    ("?gssencmode=require", "Use gssencmode=disable", "?gssencmode=disable&sslmode=require"),
    ("?a=b=c", "Write %3D in its value", "?application_name=b%3Dc"),
]


@pytest.mark.parametrize(("query", "remedy", "corrected"), FOLLOWED)
def test_message_names_the_remedy(query: str, remedy: str, corrected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"DATABASE_URL": f"{URL}{query}"}, env_file=None)
    (problem,) = caught.value.problems
    assert problem.variable == "DATABASE_URL"
    assert ". " in problem.message
    assert remedy in problem.message.partition(". ")[2]
    assert load({"DATABASE_URL": f"{URL}{corrected}"}, env_file=None).database.origin.variable == "DATABASE_URL"


@pytest.mark.parametrize(("component", "code"), COMPONENTS.items())
def test_a_component_that_is_meant_literally(component: str, code: str) -> None:
    """What the message says to write in its place, in a URI and in a keyword's value, means the same text."""
    (problem,) = problems(f"postgresql://app:{component}@db.example.com/app")
    assert problem.code == code
    text = quote(component, safe="")
    first = "".join(f"%{byte:02X}" for byte in component[0].encode())
    assert problem.message.endswith(f"percent-encode it, from its first character on: {first}...")
    assert password(f"postgresql://app:{text}@db.example.com/app") == component
    (problem,) = problems(f"host=db.example.com user=app dbname=app password='{component}'")
    assert "write a backslash before its first character" in problem.message
    assert password(f"host=db.example.com user=app dbname=app password='\\{component}'") == component


@pytest.mark.parametrize("form", [form for form in FORMS if not form.is_value], ids=lambda form: form.pattern)
def test_every_form_of_a_component_is_looked_for(form: Form) -> None:
    """Whatever the pattern matches has what `may_have_form` asks for, or is no percent escape and refused for that."""
    for alternative in alternatives(re._parser.parse(form.pattern)):  # type: ignore[attr-defined]
        assert may_have_form(alternative) or re.fullmatch("%%?A%%?", alternative), alternative


def alternatives(nodes: Iterable[tuple[object, Any]]) -> list[str]:
    """Return the shortest text of each alternative of a parsed pattern; a set stands for each of its first characters.

    In place of what may be nearly any character, there is an ``A``.
    """
    texts = [""]
    for kind, what in nodes:
        if (name := str(kind)) == "LITERAL":
            found = [chr(what)]
        elif name == "BRANCH":
            found = [text for branch in what[1] for text in alternatives(branch)]
        elif name == "MAX_REPEAT":
            found = [text * what[0] for text in alternatives(what[2])]
        elif name == "IN" and all(str(each) == "LITERAL" for each, _ in what):
            found = [chr(character) for _, character in what]
        else:
            found = ["A"]
        texts = [before + text for before in texts for text in found]
    return texts


def problems(text: str) -> tuple[Finding, ...]:
    """Return the problems of a ``DATABASE_URL`` of `text`."""
    with pytest.raises(ConfigurationError) as caught:
        load({"DATABASE_URL": text}, env_file=None)
    return caught.value.problems


def password(text: str) -> str:
    """Return the password that `text` has."""
    found = load({"DATABASE_URL": text}, env_file=None).database.password
    return found.reveal() if found else ""


@pytest.mark.parametrize("text", [*REFERENCES, *PLACEHOLDERS])
def test_a_reference_is_replaced(text: str) -> None:
    (problem,) = problems(text)
    assert any(
        message in problem.message for message in ("write the value itself", "Put the real one", "set a new one")
    )
    assert text not in problem.message


@pytest.mark.parametrize("text", PASTED)
def test_what_was_pasted_is_cut_down(text: str) -> None:
    """The part that the message says to keep, or the text that it says to write, is read."""
    (problem,) = problems(text)
    remedy = problem.message.partition(". ")[2]
    assert MARKER not in problem.message
    if remedy.startswith("Keep only"):
        kept = re.search(r"[a-z]+://[^'\" ]+", text)
        corrected = kept[0] if kept else ""
    elif remedy.startswith("Decode it"):
        corrected = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "==").decode()
    elif " in its place" in remedy:
        escaped = re.search(r"has (\S+) for", problem.message)
        corrected = text.replace(escaped[1] if escaped else "", remedy.split()[1])
    else:
        corrected = remedy.split()[3].replace("port", "6379").replace("@host", "@db")
    assert services(corrected)


def services(text: str) -> list[str]:
    """Return the services of a ``DATABASE_URL`` or a ``REDIS_URL`` of `text`."""
    name = "REDIS_URL" if text.startswith("rediss") else "DATABASE_URL"
    return [*load({name: text}, env_file=None)]


@pytest.mark.parametrize("text", MISPLACED)
def test_no_demand_is_lost(text: str) -> None:
    """The remedy for a parameter behind another character leads to the level that this parameter demands."""
    (problem,) = problems(text)
    known = re.match(r"(\S+)= follows \"(.+?)\"", problem.message)
    assert known
    word, mark = known.groups()
    is_pairs = text.startswith("host=")
    after = text.index("@") if not is_pairs else 0
    before, _, behind = text[after:].partition(f"{mark}{word}")
    if mark in set(";#,?|") and f"{mark}{word}=" in text and "?" in before and not before.endswith("&"):
        assert f'Write "&" instead of the {"second " * (mark == "?")}"{mark}"' in problem.message
        assert load(
            {"DATABASE_URL": f"{text[:after]}{before}&{word}{behind}", "DATABASE_CA_CERT": "system"}, env_file=None
        )
    else:
        assert ("Write a space" if is_pairs else 'Write "?" before the first parameter') in problem.message
    before, _, behind = text[after:].partition(word)
    place = before[: before.rindex(mark)].rstrip(";&, ")
    begin = " " if is_pairs else "&" if "?" in place else "?"
    corrected = f"{text[:after]}{place}{begin}{word}{behind.replace('?', '&')}".replace("%3D", "=")
    demanded = {"verify-full": "verify-full", "VERIFY_IDENTITY": "verify-full", "system": "verify-full"}
    level = next((demanded[each] for each in demanded if each in text), "encrypted")
    environ = {"DATABASE_URL": corrected, "DATABASE_CA_CERT": "system"}
    assert str(load(environ, env_file=None).database.tls.level) in {level, "verify-full"}


class Mistake(NamedTuple):
    """An environment and its files; and what changes in both when the message has been followed, `None` is removed."""

    environ: dict[str, str]
    cure: dict[str, str | None]
    files: Mapping[str, str | bytes] = MappingProxyType({})
    mended: Mapping[str, str | None] = MappingProxyType({})


def text(wrong: str, right: str, name: str = "DATABASE_URL", **more: str) -> Mistake:
    """Return a mistake in one variable."""
    return Mistake({"DATABASE_URL": URL, **more, name: wrong}, {name: right})


def file(wrong: str | bytes) -> Mistake:
    """Return a mistake in the file that ``DATABASE_URL_FILE`` names."""
    return Mistake({"DATABASE_URL_FILE": "held"}, {}, {"held": wrong}, {"held": URL})


def path(wrong: str) -> Mistake:
    """Return a mistake in ``DATABASE_URL_FILE`` itself."""
    return Mistake({"DATABASE_URL_FILE": wrong}, {"DATABASE_URL_FILE": "held"}, {"held": URL})


def authority(path: str, *content: str | bytes) -> Mistake:
    """Return a mistake in ``sslrootcert``, which names `path`."""
    wrong, right = (f"{URL}?sslmode=verify-full&sslrootcert={each}" for each in (path, "system"))
    return text(wrong, right)._replace(files=dict(zip([path], content, strict=False)))


SECRETS = {"held/DATABASE_URL": URL, "held/database_url": f"{URL}2"}
SCALINGO_PG = "postgresql://app:secret@abc-123.postgresql.osc-fr1.scalingo-dbs.com/app?sslmode=verify-full&sslrootcert="
VITESS = "postgresql://app.main%7Creplica:secret@aws-eu-west-1-1.pg.psdb.cloud"
RDS = "postgresql://app@shop.abcdefghijkl.xx-new-1.rds.amazonaws.com/app"
TOKEN = {"ENVCONN_AUTH": "aws-iam", "ENVCONN_AUTH_REGION": "xx-new-1"}

MISTAKES = {
    "envconn-variable-unknown": Mistake(
        {"DATABASE_URL": URL, "ENVCONN_TSL": "require"}, {"ENVCONN_TSL": None, "ENVCONN_TLS": "require"}
    ),
    "envconn-variable-ambiguous": Mistake(
        {"A_B_DATABASE_URL": URL, "POSTGRESQLCONNSTR_a-b": f"{URL}2", "ENVCONN_A_B_TLS_WAIVE": "db.example.com"},
        {"POSTGRESQLCONNSTR_a-b": None, "POSTGRESQLCONNSTR_c": f"{URL}2"},
    ),
    "phase-unknown": text("x", "build", "ENVCONN_PHASE"),
    "file-conflict": Mistake(
        {"DATABASE_URL": URL, "DATABASE_URL_FILE": "held"}, {"DATABASE_URL": None}, {"held": f"{URL}2"}
    ),
    "file-unreadable": path("x" * 5000),
    "file-directory": path("."),
    "file-special": path("/dev/zero"),
    "file-empty": file("\n"),
    "file-too-large": file(URL + "x" * 70_000),
    "file-binary": file(b"\xff"),
    "file-ambiguous": Mistake({"ENVCONN_SECRETS_DIR": "held"}, {}, {**SECRETS}, {"held/database_url": None}),
    "directory-missing": Mistake(
        {"ENVCONN_SECRETS_DIR": "nowhere"}, {"ENVCONN_SECRETS_DIR": "held"}, {"held/DATABASE_URL": URL}
    ),
    "directory-unreadable": text("x" * 5000, ".", "SERVICE_BINDING_ROOT"),
    "binding-ambiguous": Mistake(
        {"POSTGRESQLCONNSTR_A": URL, "POSTGRESQLCONNSTR_B": f"{URL}2"},
        {"ENVCONN_DATABASE_VARIABLE": "POSTGRESQLCONNSTR_A"},
    ),
    "dotenv-syntax": Mistake({}, {}, {".env": f'DATABASE_URL="{URL}'}, {".env": f"DATABASE_URL='{URL}'"}),
    "text-empty": Mistake(
        {"DATABASE_URL": URL, "A_DATABASE_URL_FILE": "held"}, {"A_DATABASE_URL_FILE": None}, {"held": "\ufeff"}
    ),
    "text-too-long": text(f"{URL}?application_name={'x' * 32_768}", f"{URL}?application_name=x"),
    "json-invalid": text(f'{{"uri": "{URL}"', f'{{"uri": "{URL}"}}'),
    "json-duplicate": text(f'{{"uri": "{URL}", "uri": "{URL}2"}}', f'{{"uri": "{URL}"}}'),
    "json-too-large": text(f'{{"uri": "{URL}{"x" * 70_000}"}}', f'{{"uri": "{URL}"}}'),
    "base64-invalid": text("x", "e30=", "PLATFORM_RELATIONSHIPS"),
    "part-invalid": text(
        '{"host": "db.example.com", "username": "app", "dbname": ["app"]}',
        '{"host": "db.example.com", "username": "app", "dbname": "app"}',
    ),
    "parts-contradict": text(f'{{"uri": "{URL}", "password": "other"}}', f'{{"uri": "{URL}"}}'),
    "dbname-too-long": text(URL + "x" * 64, URL),
    "hostaddr-socket": text("postgresql://a@/d?host=/run&hostaddr=10.0.0.1", "postgresql://a@/d?host=/run"),
    "path-invalid": text("sqlite:///file:x", "sqlite:///x"),
    "socket-host": text("mysql://a:b@h/d?unix_socket=/run/s", "mysql://a:b@/d?unix_socket=/run/s"),
    "sentinel-list": text(
        "sentinel://:a@localhost;sentinel://:b@127.0.0.1",
        "sentinel://:a@localhost;sentinel://127.0.0.1",
        "REDIS_URL",
        ENVCONN_SENTINEL_MASTER="mymaster",
    ),
    "value-ambiguous": text(
        "host=db.example.com user=app password= dbname=app", "host=db.example.com user=app password='' dbname=app"
    ),
    "openssl-weak": Mistake(
        {"DATABASE_URL": URL, "OPENSSL_CONF": "held"},
        {},
        {"held": "CipherString = ALL:@SECLEVEL=0"},
        {"held": "CipherString = HIGH"},
    ),
    "pg-service": Mistake({"DATABASE_URL": URL, "PGSERVICE": "x"}, {"PGSERVICE": None}),
    "password-redirected": Mistake(
        {"PGPASSWORD": "secret"},
        {"PGPASSWORD": None},
        {".env": "DATABASE_URL=postgresql://app@db.example.com/app"},
        {".env": f"DATABASE_URL={URL}"},
    ),
    "pg-variable-invalid": text("x", "5", "PGCONNECT_TIMEOUT"),
    "crl-broken": Mistake(
        {"DATABASE_URL": f"{URL}?sslmode=verify-full&sslrootcert=system&sslcrl=held"},
        {"DATABASE_URL": f"{URL}?sslmode=verify-full&sslrootcert=system"},
        {"held": "x"},
    ),
    "ca-private": text(f"{SCALINGO_PG}system", f"{SCALINGO_PG}{{ca}}"),
    "ca-broken": authority("held", "x"),
    "ca-unreadable": authority("./x" * 5000),
    "ca-directory": authority("."),
    "ca-special": authority("/dev/zero"),
    "ca-too-large": authority("held", "x" * 5_000_000),
    "ca-binary": authority("held", b"\xff"),
    "replica-pooled": text(f"{VITESS}:6432/app", f"{VITESS}:5432/app"),
    "identity-unverified": text(RDS, f"{RDS}?sslmode=verify-full&sslrootcert={{ca}}", **TOKEN),
}
"""A mistake for each code that has no example on its page, because it needs a file, or a long text."""

BY_CALL = {"connection-altered", "files-exhausted", "ca-unwritable", "crl-contradicts"}
"""The codes that programs, limits of the machine and revocation lists lead to; see the tests that name them."""


def test_every_code_of_an_environment_has_a_remedy_here() -> None:
    titles = ("About the environment", "About live servers", "Live servers", "Providers' APIs", "Programs")
    expected = {code for title, of in SECTIONS.items() if title not in {*titles, "Django's checks"} for code in of}
    assert expected == {*EXAMPLES, *MISTAKES, *BY_CALL}
    assert EXAMPLES.keys().isdisjoint(MISTAKES)


@pytest.mark.parametrize("code", MISTAKES)
def test_following_the_message_removes_it(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    monkeypatch.chdir(tmp_path)
    mistake = MISTAKES[code]
    for name, content in mistake.files.items():
        write(name, content)
    env_file = ".env" if ".env" in mistake.files else None
    with pytest.raises(ConfigurationError) as caught:
        load(mistake.environ, env_file=env_file)
    assert {problem.code for problem in caught.value.problems} == {code}
    for name, corrected in mistake.mended.items():
        write(name, corrected)
    changed = {**mistake.environ, **mistake.cure}
    environ = {name: value.replace("{ca}", str(certificates.ca)) for name, value in changed.items() if value}
    assert load(environ, env_file=env_file).report().ok


CACHE = {"ENVCONN_AUTH": "aws-iam", "ENVCONN_AUTH_HOST": "master.shop.abc123.euw1.cache.amazonaws.com"}
WAIVED_CACHE = {**CACHE, "ENVCONN_TLS_WAIVE": "*.example"}
BEST = {"ENVCONN_TLS": "best"}
UNNAMED = "and name a CA that is not public in ENVCONN_TLS_CA"
LAX = "ssl_cert_reqs=none"
TOKEN_REFUSED = "identity-unverified"


@pytest.mark.parametrize(
    ("url", "environ", "code", "remedy", "mended"),
    [
        (f"rediss://app@h.example?{LAX}", CACHE, TOKEN_REFUSED, "Use rediss:// without ssl_cert_reqs", ""),
        ("redis://app@h.example", WAIVED_CACHE, TOKEN_REFUSED, f"Use rediss:// without ssl_cert_reqs, {UNNAMED}", ""),
        (f"rediss://:x@h.example?{LAX}", BEST, "best-unknown", f"Use rediss:// without ssl_cert_reqs, {UNNAMED}", ""),
        (f"rediss+sentinel://:x@h/m?{LAX}", BEST, "best-unknown", "Use rediss+sentinel:// without ssl_cert_reqs", ""),
        ("amqps://app:x@h.example?verify=verify_none", BEST, "best-unknown", "Use amqps:// without verify", ""),
        ("postgresql://app:x@h.example/app", BEST, "best-unknown", "Use sslmode=verify-full", "?sslmode=verify-full"),
        ("mysql://app:x@h.example/app", BEST, "best-unknown", "Use ssl-mode=VERIFY_", "?ssl-mode=VERIFY_IDENTITY"),
    ],
)
def test_each_family_is_told_in_its_own_words_to_verify(
    url: str, environ: dict[str, str], code: str, remedy: str, mended: str, certificates: Certificates
) -> None:
    variable = {"redi": "CACHE_URL", "amqp": "AMQP_URL"}.get(url[:4], "DATABASE_URL")
    assert remedy in findings({variable: url, **environ})[code]
    corrected = url.partition("?")[0].replace("redis:", "rediss:") + mended
    ca = "DATABASE_CA_CERT" if mended else "ENVCONN_TLS_CA"
    [service] = load({variable: corrected, **environ, ca: str(certificates.ca)}, env_file=None).values()
    assert str(service.tls.level) == "verify-full"


def findings(environ: dict[str, str]) -> dict[str, str]:
    """Return the messages of `environ` by their codes."""
    try:
        return {note.code: note.message for note in load(environ, env_file=None).report().notes}
    except ConfigurationError as error:
        return {problem.code: problem.message for problem in error.problems}


def write(name: str, content: str | bytes | None) -> None:
    """Write the file, or remove it."""
    if content is None:
        Path(name).unlink()
        return
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)

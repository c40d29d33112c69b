"""libpq itself says what a text means: thousands of texts, and no third meaning.

A text that we accept must be accepted by libpq's own parser (PQconninfoParse), with the same value
for every keyword; so one that libpq refuses is refused here. The other way round there are refusals
of our own, which the headers of `envconn.grammar` list. Only two things are done to a text before
libpq sees it, because they are ours on purpose: the driver's name leaves the scheme, and keys of
other tools leave the query, or become libpq's. What libpq takes from the process is empty here
(`tests/core/test_libpq_defaults.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawing import SEED, TIMES, generator
from envconn.connection import Connection, Origin, Secret
from envconn.families import FAMILIES
from envconn.grammar import read
from envconn.grammar.libpq_keywords import ATTRIBUTES, FOREIGN, KEYWORDS, OF_DJANGO

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

psycopg = pytest.importorskip("psycopg")
pq = psycopg.pq

ORIGIN = Origin("DATABASE_URL")
IDENTITY = ("host", "hostaddr", "port", "user", "password", "dbname")
DRAWN = 100 * TIMES  # by hypothesis, for each of its tests


def libpq_meaning(text: str) -> dict[str, str] | None:
    """Return every value that libpq finds in `text`, or `None` if it refuses it."""
    try:
        options = pq.Conninfo.parse(text.encode())
    except psycopg.OperationalError:
        return None
    return {option.keyword.decode(): option.val.decode() for option in options if option.val is not None}


def for_libpq(text: str) -> str:
    """Take out of `text` what libpq does not know and we do. It skips blanks around keywords itself."""
    text = text.removeprefix("\ufeff")
    scheme, separator, rest = text.strip(" \r\n\t").partition("://")
    if not separator or scheme not in FAMILIES["postgresql"].schemes:
        return text
    place, mark, query = rest.partition("?")
    kept = [parameter for parameter in query.split("&") if not is_foreign(parameter.partition("=")[0])]
    kept = [*translated(kept)]
    return f"postgresql://{place}{mark}{'&'.join(kept)}"


def is_foreign(name: str) -> bool:
    return name in FOREIGN or name.lower() in OF_DJANGO


def translated(parameters: list[str]) -> Iterator[str]:
    """Yield the parameters, those of asyncpg and SQLAlchemy in libpq's words."""
    names = [parameter.partition("=")[0] for parameter in parameters]
    hosts = [parameter.removeprefix("host=") for parameter in parameters if parameter.startswith("host=")]
    hosts = hosts if hosts[1:] else ",".join(hosts).split(",")
    is_list = all(re.fullmatch("[A-Za-z0-9._-]+((:|%3[Aa])?[0-9]*)", host) for host in hosts) and any(
        re.search("(:|%3[Aa])[0-9]", host) for host in hosts
    )
    if is_list:
        pairs = [re.split(":|%3[Aa]", f"{host}:")[:2] for host in hosts]
        yield f"host={','.join(name for name, _ in pairs)}&port={','.join(port for _, port in pairs)}"
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "ssl" and "sslmode" not in names:
            yield f"sslmode={FLAGS.get(value.lower(), value)}"
        elif name != "ssl" and not (is_list and name == "host"):
            yield parameter


FLAGS = {"true": "require", "1": "require", "false": "disable", "0": "disable"}


def dialled(meaning: dict[str, str]) -> list[tuple[str, str, int]]:
    """Pair names, addresses and ports as pqConnectOptions2 does."""
    hosts = meaning.get("host", "").split(",")
    addresses = meaning.get("hostaddr", "," * (len(hosts) - 1)).split(",")
    ports = meaning.get("port", "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    default = 5432 if "host" in meaning else 0
    return [(h, a, int(p or default)) for h, a, p in zip(hosts, addresses, ports, strict=True)]


def compare(text: str) -> bool:
    """Hold our reading of `text` against libpq's; return whether we accepted it."""
    ours = read(Secret(text), ORIGIN)
    if not isinstance(ours, Connection):
        assert ours, "a refusal without a problem"
        return False
    theirs = libpq_meaning(for_libpq(text))
    assert theirs is not None, f"libpq refuses what we accept: {text!r}"
    assert [(h.host, h.hostaddr, h.port) for h in ours.hosts] == dialled(theirs), text
    assert ours.user == theirs.get("user", ""), text
    assert ours.dbname == theirs.get("dbname", ""), text
    assert (ours.password.reveal() if ours.password else "") == theirs.get("password", ""), text
    schema = [option for option in ours.parameters.get("options", "").split(" ") if "search_path" in option]
    assert {k: v for k, v in ours.parameters.items() if k != "options" or not schema} == {
        k: v for k, v in theirs.items() if k not in IDENTITY and (k != "options" or not schema)
    }, text
    assert_round_trip(ours, text)
    return True


def assert_round_trip(ours: Connection, text: str) -> None:
    """Write the connection as keywords and values, and have both parsers read it again."""
    values = {
        "host": ",".join(h.host for h in ours.hosts),
        "port": ",".join(str(h.port or "") for h in ours.hosts),
        "user": ours.user,
        "dbname": ours.dbname,
    }
    values = {name: value for name, value in values.items() if value} | dict(ours.parameters)
    if any(h.hostaddr for h in ours.hosts):
        values["hostaddr"] = ",".join(h.hostaddr for h in ours.hosts)
    if ours.password:
        values["password"] = ours.password.reveal()
    # With a backslash before its first character, a value is meant literally, whatever it looks like.
    line = " ".join(f"{k}='" + re.sub(r"(?s)(^.|['\\])", r"\\\1", v) + "'" for k, v in values.items())
    assert libpq_meaning(line) == values, text
    if not line or re.search("[\x00-\x1f\x7f-\x9f]", line):
        return  # a password may hold an encoded line break, a line of keywords not
    again = read(Secret(line), ORIGIN)
    assert isinstance(again, Connection), text
    assert (again.hosts, again.user, again.dbname) == (ours.hosts, ours.user, ours.dbname), text
    assert (again.password, dict(again.parameters)) == (ours.password, dict(ours.parameters)), text


# Texts. Pieces are mostly good, so that a text of eight of them still has a chance.

ODD = [*":/?#[]@!$&'()*+,;=% \\\"|<>^`{}~.-_", "\t", "\n", "\u00a0", "\u2028", "é", "雪", "😀", "a", "1", "0"]
ESCAPES = [
    "%20",
    "%40",
    "%2F",
    "%3a",
    "%25",
    "%C3%A9",
    "%E9",
    "%00",
    "%0A",
    "%2C",
    "%",
    "%2",
    "%zz",
    "%F0%9F%98%80",
    "%2B",
]
NAMES = ["app", "u", "odd%20us%40r", "münch", "a+b", "a b", "$x", "x.y-z", "雪", "o'neil", "back\\slash", '"q"']
HOSTS = [
    *(
        "h",
        "db.example.com",
        "DB-1.Example.COM.",
        "10.0.0.1",
        "[::1]",
        "[fe80::1%25eth0]",
        "%2Fvar%2Frun",
        "%40abstract",
    ),
    *("127.1", "[h]", "::1", "[::1", "h%2Ci", "é.example", "", "a..b", "h[1]", "%68"),
]
PORTS = ["", "", "", ":", ":5432", ":6543", ":1", ":65535", ":0", ":65536", ":5432x", ":+1", ":05432", ":%35"]
PASSWORDS = [
    "",
    ":",
    ":secret",
    ":p%40ss",
    ":a+b",
    ":12345",
    ":x:y",
    ":p|[w]",
    ":é",
    ":100%25",
    ":p@ss",
    ":1/2",
    ":1#2",
    ":1?2",
]
LITERAL = [
    "a='",
    "='",
    "it's='",
    "x\ny",
    "a=' b='",
    "p\\",
    "abc,ssl=1",
    "\t'",
    "a;sslmode=require",
]
"""Values that look like the end of a value, or like the next keyword."""

DBNAMES = ["/d", "/app", "/a/b", "/a%20b", "/é", "", "/", "/" + "n" * 64, "//d", "/d#f", "/d%3Fx"]
FREE = ["x", "a%20b", "a+b", "-c%20statement_timeout%3D5000", "%C3%A9", "a;b", "a?b/c", "'", "\\", "é", "x'y z", ""]
QUERY_NAMES = [*KEYWORDS, *FOREIGN, "ssl", "foo", "SSLMODE", "", "%68ost"]
EXTRA = {
    "host": ["h2", "/var/run", "@abs", "a,b", "a%2Cb", "", "h3:6432", "h4%3A1"],
    "hostaddr": ["10.0.0.1", "::1", "1.2.3.4,::1", "x", ""],
    "port": ["6543", "1,2", ",", "", "0", "5433%2C5434"],
    "user": ["me", "a%40b", ""],
    "dbname": ["d2", ""],
    "ssl": ["true", "true", "1", "require", "verify-full", "disable"],
}


def value_for(pick: random.Random, name: str) -> str:
    keyword = KEYWORDS.get(name)
    good = EXTRA.get(name) or (
        keyword.values if keyword and keyword.values else ["5", "0"] if keyword and keyword.number else FREE
    )
    return pick.choice(good) if pick.random() < 0.9 else pick.choice(FREE)


def parameters(pick: random.Random, names: list[str]) -> list[tuple[str, str]]:
    count = pick.choice([0, 0, 1, 1, 2, 3, 6])
    chosen = pick.sample(names, count) if pick.random() < 0.9 else pick.choices(names, k=count)
    return [(name, value_for(pick, name)) for name in chosen]


def likely(pick: random.Random, pool: list[str], good: int) -> str:
    return pick.choice(pool[:good]) if pick.random() < 0.85 else pick.choice(pool)


def uri(pick: random.Random) -> str:
    scheme = (
        pick.choice(FAMILIES["postgresql"].schemes)
        if pick.random() < 0.3
        else pick.choice(["postgresql", "postgres", "POSTGRES", "postgresq"][: 2 if pick.random() < 0.97 else 4])
    )
    user = likely(pick, NAMES, 4) + likely(pick, PASSWORDS, 10) + "@" if pick.random() < 0.9 else ""
    hosts = ",".join(likely(pick, HOSTS, 8) + likely(pick, PORTS, 8) for _ in range(pick.choice([1, 1, 1, 2, 3])))
    names = (
        QUERY_NAMES
        if pick.random() < 0.3
        else [n for n, k in KEYWORDS.items() if n not in ATTRIBUTES and not k.refusal] + [*FOREIGN, "ssl"]
    )
    query = "&".join(f"{name}={value}" for name, value in parameters(pick, names))
    if pick.random() < 0.1:
        user, hosts, query = "", "", "host=/var/run&user=u&port=" + query
    return f"{scheme}://{user}{hosts}{likely(pick, DBNAMES, 5)}" + (
        f"?{query}" if query or pick.random() < 0.05 else ""
    )


def keyword_value(pick: random.Random) -> str:
    pairs = [
        ("host", likely(pick, ["h", "h1,h2", "/var/run", "::1", "@x", "", "é"], 5)),
        ("user", likely(pick, NAMES, 12)),
        ("dbname", "d"),
    ]
    pairs += [("password", likely(pick, [p[1:] for p in PASSWORDS] + LITERAL, 14))] if pick.random() < 0.6 else []
    pairs += [("application_name", pick.choice(LITERAL))] if pick.random() < 0.2 else []
    taken = {name for name, _ in pairs} if pick.random() < 0.95 else set()
    pairs += [
        pair for pair in parameters(pick, [n for n, k in KEYWORDS.items() if not k.refusal]) if pair[0] not in taken
    ]
    pick.shuffle(pairs)
    return "".join(name + pick.choice(["=", "=", "=", " = ", "= "]) + quoted(pick, value) for name, value in pairs)


def quoted(pick: random.Random, value: str) -> str:
    style = pick.random()
    if style < 0.4:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'" + pick.choice([" ", "", "  ", "\n", "\t"])
    if style < 0.85:
        return re.sub(r"([\s'\\])", r"\\\1", value) + pick.choice([" ", " ", "\n"])
    return value + pick.choice([" ", " ", "\n"])


def random_text(pick: random.Random) -> str:
    start = pick.choice(
        ["postgresql://", "postgres://u:p@h/d", "postgres://u:p@h/d?options=", "host=h user=u dbname=d", ""]
    )
    return start + "".join(pick.choice(ODD + ESCAPES) for _ in range(pick.choice([1, 1, 2, 4, 16])))


def mutate(pick: random.Random, text: str) -> str:
    if pick.random() < 0.1:
        text = (
            pick.choice(["", "\ufeff", " ", "\ufeff "])
            + text
            + pick.choice(["", " ", "\\ ", "\\", "\n", "\r\n", "\\\n", "  \n", "\n "])
        )
    for _ in range(pick.choice([0, 0, 0, 1, 1, 2, 3])):
        at = pick.randrange(len(text) + 1)
        kind = pick.random()
        if kind < 0.5:
            text = text[:at] + pick.choice(ODD + ESCAPES) + text[at:]
        elif kind < 0.75:
            text = text[:at] + text[at + pick.randrange(1, 4) :]
        else:
            other = pick.randrange(len(text) + 1)
            text = text[:at] + text[min(at, other) : max(at, other)] + text[at:]
    return text


@pytest.mark.parametrize(
    ("make", "count", "least"), [(uri, 2_000, 0.2), (keyword_value, 1_000, 0.2), (random_text, 500, 0.05)]
)
def test_seeded_texts(make: Callable[[random.Random], str], count: int, least: float) -> None:
    """Built texts, and the same with a few characters gone wrong, mean what libpq says or are refused."""
    pick = generator(make.__name__)
    outcome = Counter(compare(mutate(pick, make(pick))) for _ in range(count * TIMES))
    assert outcome.total() == count * TIMES
    assert outcome[True] >= least * outcome.total(), outcome


DRAW = settings(
    max_examples=DRAWN,
    deadline=None,
    database=None,
    derandomize=not SEED,
    suppress_health_check=list(HealthCheck),
)
ALPHABET = st.sampled_from(ODD + ESCAPES) | st.characters(exclude_categories=["Cs"])
SNIPPET = st.lists(ALPHABET, max_size=6).map("".join)


@DRAW
@given(SNIPPET, SNIPPET, SNIPPET, SNIPPET, SNIPPET)
def test_drawn_uris(user: str, password: str, host: str, dbname: str, value: str) -> None:
    """Anything at all in any part of a URI means what libpq says or is refused."""
    compare(f"postgresql://{user}:{password}@{host}/{dbname}?application_name={value}")
    compare(f"postgres://u{user}:{password}@h{host}:5432/d{dbname}?options=x{value}&sslmode=require")


@DRAW
@given(
    SNIPPET,
    SNIPPET,
    st.lists(st.sampled_from([" ", "'", "\\", "=", "='", "\n", "a", "é", "host", "user=u", "x='y'"])).map("".join),
)
def test_drawn_keyword_value_strings(user: str, password: str, rest: str) -> None:
    """Anything at all behind a keyword means what libpq says or is refused."""
    compare(f"host=h user={user} password={password} dbname=d {rest}")
    compare(f"user='{user}'password='{password}'dbname=d host=h {rest}")


@pytest.mark.parametrize("name", ["a='", "='", "it's='", "'a='", "'a\\'='", r"a\='", "a'=", "a= 'b", "\\\n='", ""])
@pytest.mark.parametrize("password", ["'x\ny'", "'x'", "x\\\ny", "x\\\\", "x='\n", "'x\\'\t'"])
def test_lines_with_quotes(name: str, password: str) -> None:
    """White space ends a pair or is a part of its value, as libpq has it, whatever quotes are around."""
    for blank in " \n\t":
        compare(f"application_name={name}{blank}host=h user=u{blank}dbname=d{blank}password={password}")
        compare(f"{blank}password={password}{blank}application_name={name} host=h user=u{blank}dbname=d{blank}")


@DRAW
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), st.text())
def test_every_value_survives_percent_encoding(user: str, password: str) -> None:
    """A password of any characters, once encoded, comes out as it went in."""
    from urllib.parse import quote

    password = re.sub("[\0\ud800-\udfff]", "", password)
    user = re.sub("[\x01-\x1f\x7f-\x9f]", "", user) or "u"
    text = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@h/d"
    assert compare(text)
    ours = read(Secret(text), ORIGIN)
    assert isinstance(ours, Connection)
    assert (ours.user, ours.password) == (user, Secret(password) if password else None)


def test_libpq_knows_our_keywords() -> None:
    """The table of keywords is libpq's own, but for those that its build is too old to know."""
    theirs = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    version = pq.version() // 10_000
    assert theirs == {name for name, keyword in KEYWORDS.items() if keyword.since <= version}


def complaint(name: str, value: str) -> str:
    """Return what libpq says about one value when it connects; there is no server, so never nothing."""
    line = f"host=/nonexistent user=u dbname=d {name}='{value}'" + (
        " sslmode=require" if name == "sslnegotiation" else ""
    )
    return str(pq.PGconn.connect_start(line.encode()).error_message, "utf-8")


@pytest.mark.parametrize(
    ("name", "word"), [(name, word) for name, keyword in KEYWORDS.items() for word in keyword.values]
)
def test_libpq_knows_our_words(name: str, word: str) -> None:
    """Each word of a closed vocabulary is valid for libpq when it connects."""
    assert "invalid" not in complaint(name, word)


@pytest.mark.parametrize("name", ["sslmode", "sslnegotiation", "channel_binding", "gssencmode", "target_session_attrs"])
def test_libpq_refuses_other_words(name: str) -> None:
    """The check above can fail: libpq does say so when a word is wrong."""
    assert f"invalid {name} value" in complaint(name, "no-such-word")

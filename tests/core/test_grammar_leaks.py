"""No part of a secret comes out of a grammar, whatever is wrong and wherever the secret stands."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from envconn.connection import Connection, Origin, Secret
from envconn.grammar import read
from leaks import MARKER

FRAGMENTS = [MARKER[at : at + 5].lower() for at in range(len(MARKER) - 4)]
BREAKS = [
    *"@/?#[]:&=;,%+'\"\\$!| ",
    "%4",
    "%zz",
    "%00",
    "%E9",
    "%0A",
    "%2C",
    "\0",
    "\n",
    "\t",
    "\x85",
    "\udce9",
    "\u2028",
    "é",
    "@@",
    "://",
]

# ¤ is where the secret stands; the rest is as good as it gets.
SHAPES = [
    "postgresql://user:¤@host:5432/name?sslmode=require",
    "postgres://¤:¤@host/name",
    "postgresql://user:¤@a:1,[::1]:2/name?sslmode=verify-full&pgbouncer=true",
    "postgresql://host/name?user=user&password=¤&sslmode=require",
    "postgresql://user@host/name?sslpassword=¤&sslmode=require",
    "postgresql:///name?scram_client_key=¤&host=/run&user=user",
    "postgresql://user:¤host/name",
    "postgresql://user:¤",
    "postgresql:¤",
    "¤",
    "user:¤@host/name",
    "POSTGRES://user:¤@host/name",
    "redis://:¤@host/0",
    "jdbc:postgresql://host/name?user=u&password=¤",
    "'postgres://user:¤@host/name'",
    "host=host user=user password=¤ dbname=name",
    "host=host user=user password='¤' dbname=name sslmode=require",
    "password=¤",
    "password= ¤",
]


def broken(pick: random.Random, text: str) -> str:
    """Return `text` with up to three things wrong inside of the secret, or next to it, or anywhere."""
    secret = MARKER
    for _ in range(pick.choice([0, 1, 1, 2, 3])):
        wrong = pick.choice(BREAKS)
        if pick.random() < 0.6:
            # The halves keep five characters or more, so that either one would be recognised.
            secret = secret[:5] + wrong + secret[5:]
        else:
            at = pick.randrange(len(text) + 1)
            text = text[:at] + wrong + text[at:]
    return text.replace("¤", secret)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("part", range(5))
@pytest.mark.sampled(5)
def test_nothing_of_a_password_is_shown(part: int, shape: str) -> None:
    """Two hundred broken texts each: not five characters in a row of the secret in any problem or connection."""
    pick = random.Random(f"envconn leaks {shape} {part}")  # noqa: S311  the same texts in every run
    codes: set[str] = set()
    for _ in range(200):
        text = broken(pick, shape)
        outcome = read(Secret(text), Origin("DATABASE_URL"))
        if isinstance(outcome, Connection):
            # User and host are no secrets; where the marker is one of them by syntax, it may be shown.
            shown = repr(outcome.password) + repr(outcome.parameters) + repr(outcome.foreign) + repr(outcome.notes)
        else:
            shown = "".join(f"{problem!r}{problem}" for problem in outcome)
            codes.update(problem.code for problem in outcome)
        assert not [part for part in FRAGMENTS if part in shown.lower()], text
    assert len(codes) >= 2, sorted(codes)


@pytest.mark.parametrize("shape", SHAPES)
def test_refusals_hold_no_text(shape: str) -> None:
    """A problem is three short texts: nothing in it leads back to what was read."""
    outcome = read(Secret(shape.replace("¤", MARKER) + "\x01"), Origin("DATABASE_URL"))
    assert not isinstance(outcome, Connection)
    assert all(len(str(problem)) < 400 for problem in outcome)


def test_reading_is_cheap_to_import() -> None:
    """What only mistakes and addresses need is not loaded with the grammar."""
    script = "import sys; before = {*sys.modules}; import envconn.grammar; print(*sys.modules.keys() - before)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "envconn.grammar.conninfo" in run.stdout
    assert not {"difflib", "ipaddress", "urllib", "socket", "ssl", "psycopg"} & {*run.stdout.split()}

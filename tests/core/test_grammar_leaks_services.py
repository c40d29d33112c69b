"""No part of a secret comes out of the grammars of Redis, AMQP, MySQL and SQLite either."""

from __future__ import annotations

import random

import pytest

from envconn.connection import Connection, Origin, Secret
from envconn.grammar import read
from leaks import MARKER

FRAGMENTS = [MARKER[at : at + 5].lower() for at in range(len(MARKER) - 4)]
BREAKS = [*"@/?#[]:&=;,%+'\"\\$!|{} ", "%4", "%zz", "%00", "%E9", "%0A", "\0", "\n", "\udce9", "℀", "é", "@@", "://"]

# ¤ is where the secret stands; the rest is as good as it gets.
SHAPES = {
    "redis": [
        "rediss://user:¤@host:6380/1?ssl_cert_reqs=required&socket_timeout=5",
        "redis://:¤@host/0?db=0",
        "rediss://host/0?ssl_certfile=/c&ssl_keyfile=/k&ssl_password=¤&protocol=3",
        "redis://host/0?password=¤&db=0",
        "unix://:¤@/run/redis.sock?db=2",
        "redis://¤@host/0",
        "redis://user:¤",
    ],
    "sentinel": [
        "redis+sentinel://:¤@h1,h2/service/0",
        "rediss+sentinel://user:¤@h1:26379,[::1]/service?sentinel_password=¤&ssl_cert_reqs=none",
        "sentinel://:¤@h1;sentinel://:¤@h2/0",
        "sentinel://:¤@h1:26379/0;sentinel://user:¤@h2?master_name=service",
    ],
    "amqp": [
        "amqps://user:¤@host:5671/vhost?verify=verify_peer&heartbeat=5",
        "amqp://:¤@host//",
        "amqps://user:p@host?certfile=/c&keyfile=/k&password=¤&heartbeat=5",
        "amqp://user:¤@h1;amqp://user:¤@h2",
    ],
    "mysql": [
        "mysql://user:¤@host:3306/name?ssl-mode=REQUIRED&charset=utf8mb4",
        'mysql+pymysql://user:¤@host/name?ssl={"rejectUnauthorized":true}',
        "mysql://host/name?user=user&password=¤&useSSL=true",
        "mysql2://user:¤@/name?unix_socket=/run/s",
    ],
    "sqlite": ["sqlite://user:¤@host/name.db?timeout=5", "sqlite:///name.db?password=¤&timeout=5"],
}


def broken(pick: random.Random, shape: str) -> str:
    """Return `shape` with up to three things wrong inside of the secret, or anywhere."""
    secret = MARKER
    for _ in range(pick.choice([0, 1, 1, 2, 3])):
        wrong = pick.choice(BREAKS)
        if pick.random() < 0.6:
            # The halves keep five characters or more, so that either one would be recognised.
            secret = secret[:5] + wrong + secret[5:]
        else:
            at = pick.randrange(len(shape) + 1)
            shape = shape[:at] + wrong + shape[at:]
    return shape.replace("¤", secret)


@pytest.mark.parametrize("family", SHAPES)
@pytest.mark.parametrize("part", range(5))
@pytest.mark.sampled(5)
def test_nothing_of_a_password_is_shown(part: int, family: str) -> None:
    """A thousand broken texts each: not five characters in a row of the secret in any problem or connection."""
    pick = random.Random(f"envconn leaks {family} {part}")  # noqa: S311  the same texts in every run
    codes: set[str] = set()
    for _ in range(1_000):
        text = broken(pick, pick.choice(SHAPES[family]))
        outcome = read(Secret(text), Origin("SERVICE_URL"))
        if isinstance(outcome, Connection):
            # User, host and path are no secrets; where the marker is one of them by syntax, it may be shown.
            shown = repr(outcome.password) + repr(outcome.parameters) + repr(outcome.foreign) + repr(outcome.notes)
        else:
            shown = "".join(f"{problem!r}{problem}" for problem in outcome)
            codes.update(problem.code for problem in outcome)
        assert not [part for part in FRAGMENTS if part in shown.lower()], text
    assert len(codes) >= (8 if family == "sqlite" else 20), sorted(codes)


@pytest.mark.parametrize("shape", [shape for shapes in SHAPES.values() for shape in shapes])
def test_many_problems_stay_few(shape: str) -> None:
    """However many parameters are wrong, the list of problems stays short."""
    outcome = read(Secret(f"{shape.replace('¤', MARKER)}{'&x=1' * 500}"), Origin("SERVICE_URL"))
    assert not isinstance(outcome, Connection)
    assert 0 < len(outcome) <= 20

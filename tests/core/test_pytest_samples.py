"""envconn_pytest.sample: every environment loads, and leads to what was asked for."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

import envconn
from envconn import TlsLevel
from envconn.providers import all_providers
from envconn_pytest.platforms import providers, sample

ENCRYPTED, FULL = TlsLevel.ENCRYPTED, TlsLevel.VERIFY_FULL
YES, NO = True, False

# provider: pooled as it is without asking, level; pooled and replica where they are asked for, None where they are not
# to be had.
TABLE: dict[str, tuple[bool | None, TlsLevel, bool | None, bool | None]] = {
    "aiven": (None, ENCRYPTED, YES, YES),
    "aws-elasticache": (None, FULL, None, None),
    "aws-rds": (NO, ENCRYPTED, YES, YES),
    "azure": (NO, ENCRYPTED, YES, YES),
    "azure-redis": (None, FULL, None, None),
    "clever-cloud": (NO, ENCRYPTED, None, None),
    "cloud-foundry": (None, ENCRYPTED, None, None),
    "cloudamqp": (None, FULL, None, None),
    "cockroachdb": (NO, FULL, None, None),
    "crunchy-bridge": (NO, ENCRYPTED, YES, None),
    "databricks-lakebase": (NO, ENCRYPTED, YES, None),
    "digitalocean": (NO, ENCRYPTED, YES, YES),
    "fly-legacy": (NO, TlsLevel.NONE, None, YES),
    "fly-mpg": (NO, ENCRYPTED, YES, None),
    "gcp-cloudsql": (NO, TlsLevel.NONE, None, None),
    "heroku": (NO, ENCRYPTED, YES, YES),
    "local": (NO, TlsLevel.OPPORTUNISTIC, None, None),
    "neon": (NO, ENCRYPTED, YES, YES),
    "planetscale": (NO, FULL, YES, YES),
    "planetscale-vitess": (None, FULL, None, None),
    "prisma-postgres": (NO, ENCRYPTED, YES, None),
    "railway": (None, ENCRYPTED, YES, YES),
    "render": (NO, ENCRYPTED, None, YES),
    "scalingo": (NO, ENCRYPTED, None, None),
    "supabase": (YES, ENCRYPTED, YES, None),
    "tiger-cloud": (None, ENCRYPTED, YES, None),
    "upstash": (None, FULL, None, None),
    "upsun": (NO, ENCRYPTED, None, None),
    "vercel-postgres": (YES, ENCRYPTED, YES, None),
    "xata-lite": (None, ENCRYPTED, None, None),
    "yugabytedb": (None, ENCRYPTED, None, None),
}

WITHOUT = {"prisma-accelerate"}
"""A protocol that no Python driver speaks."""

ANYBODY = "cloud-foundry"
"""It has no hosts of its own to be known by."""


def main(environ: dict[str, str]) -> envconn.SecuredConnection:
    return next(iter(envconn.load(environ, env_file=None).values()))


def test_there_is_one_for_every_record_and_every_example() -> None:
    examples = json.loads((Path(__file__).parent.parent / "tables" / "providers.json").read_text(encoding="utf-8"))
    assert providers() == tuple(sorted({ANYBODY, *(record.name for record in all_providers())})) == tuple(TABLE)
    assert {example["provider"] for example in examples} - WITHOUT <= set(providers())


@pytest.mark.parametrize("provider", TABLE)
def test_as_it_is(provider: str) -> None:
    found = main(sample(provider))
    pooled, level, _, _ = TABLE[provider]
    assert (found.provider or ANYBODY, found.pooled, found.tls.level) == (provider, pooled, level)


@pytest.mark.parametrize("provider", TABLE)
def test_what_is_requested_is_there_or_refused(provider: str) -> None:
    for pooled, replica in product((None, True, False), repeat=2):
        is_there_or_refused(provider, pooled=pooled, replica=replica)


def is_there_or_refused(provider: str, *, pooled: bool | None, replica: bool | None) -> None:
    _, level, can_pool, can_replicate = TABLE[provider]
    if (pooled and not can_pool) or (replica and not can_replicate):
        with pytest.raises(envconn.EndpointUnavailable, match=r"\w+: an? .*endpoint.*: \w+"):
            sample(provider, pooled=pooled, replica=replica)
        return
    environ = sample(provider, pooled=pooled, replica=replica)
    found = main(environ)
    reached = [found.endpoint(pooled=pooled), found.endpoint(replica=replica)]
    assert {(each.provider or ANYBODY, each.tls.level) for each in reached} == {(provider, level)}
    # A variable leads there, and no rule has to.
    assert all(each in (found, *found.siblings) for each in reached)
    assert pooled is None or bool(reached[0].pooled) is pooled
    assert replica is None or bool(reached[1].replica) is replica
    assert reached[1] is found or reached[1].origin.variable == "DATABASE_REPLICA_URL"


def test_the_usual_variable_holds_either_where_that_is_usual() -> None:
    assert ":6432/" in sample("planetscale", pooled=True)["DATABASE_URL"]
    assert ":5432/" in sample("planetscale", pooled=False)["DATABASE_URL"]
    assert "-pooler." in sample("neon", pooled=True)["DATABASE_URL"]
    assert "%7Creplica:" in sample("planetscale", replica=True)["DATABASE_REPLICA_URL"]
    assert sample("heroku", pooled=True)["DATABASE_URL"] == sample("heroku")["DATABASE_URL"]


def test_an_alias_stays_one() -> None:
    environ = sample("scalingo")
    assert environ["DATABASE_URL"] == "$SCALINGO_POSTGRESQL_URL"
    assert main(environ).origin.variable == "SCALINGO_POSTGRESQL_URL"


def test_each_time_a_new_one() -> None:
    sample("scalingo").clear()
    assert sample("scalingo")


@pytest.mark.parametrize("provider", TABLE)
def test_credentials_are_fakes(provider: str) -> None:
    found = main(sample(provider))
    assert found.password
    assert found.password.reveal() == "FAKE_password"


@pytest.mark.parametrize(
    "name", ["", "Scalingo", "heroku-postgres", "prisma-accelerate", "postgresql://app:marker@db/app"]
)
def test_names_that_there_are_not(name: str) -> None:
    with pytest.raises(ValueError, match=r"^unknown sample. Use a name that envconn_pytest.providers\(\)"):
        sample(name)

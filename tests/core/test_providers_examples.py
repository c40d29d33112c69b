"""Connection strings as the providers document them: read as meant; siblings made, or refused with a reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import envconn
from envconn.connection import Connection
from envconn.providers import ProviderHints, identify
from envconn.providers.rewrites import derive_sibling

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "tables" / "providers.json").read_text(encoding="utf-8")
)

NOT_YET = ["prisma+postgres", "VCAP_SERVICES"]
"""A scheme that no Python driver speaks, and a variable that holds no connection string."""

FIELDS = ("pooled", "pool_mode", "replica", "branch", "role", "region", "cloud")


def unread(example: dict[str, Any]) -> str | None:
    marks = (example["environment_variable"], example["url"].partition("://")[0])
    return next((mark for mark in marks if mark in NOT_YET), None)


READ = [
    pytest.param(example, id=f"{example['provider']}-{number}")
    for number, example in enumerate(EXAMPLES)
    if unread(example) is None
]


def parsed(example: dict[str, Any]) -> Connection:
    return envconn.parse(example["url"], variable=example["environment_variable"])


def test_nothing_else_is_left_out() -> None:
    left_out = [example for example in EXAMPLES if unread(example)]
    assert sorted(map(str, map(unread, left_out)), key=str.lower) == NOT_YET
    prisma, cloud_foundry = left_out
    with pytest.raises(envconn.ConfigurationError, match="Prisma's own proxy"):
        parsed(prisma)
    assert identify(parsed(cloud_foundry)).provider is None


@pytest.mark.parametrize("example", READ)
def test_example_is_read_as_documented(example: dict[str, Any]) -> None:
    endpoint = identify(parsed(example))
    assert endpoint.provider is not None
    assert endpoint.provider.name == example["provider"]
    # Behind the first word the table explains: "useast1 (aws us-east-1)".
    expected = {name: example["expect"][name] for name in FIELDS}
    words = {name: value.split()[0] if isinstance(value, str) else value for name, value in expected.items()}
    assert {name: getattr(endpoint, name) for name in FIELDS} == words


WISHES: dict[str, dict[str, bool | None]] = {
    "derive_direct": {"pooled": False, "replica": None},
    "derive_pooled": {"pooled": True, "replica": None},
    "derive_replica": {"pooled": None, "replica": True},
}

# How the table says that no rule leads there; without a word, either is right.
_NO_RULE = ("cannot be derived", "does not exist", "not supported", "another HEROKU", "DATABASE_")

# What a reason tells to do.
_REMEDY = re.compile(r"[a-zL]\)?\. (?:Set|Use|Copy|Bind|Start|Deploy|Run|Turn|Read with|Connect) ")

# (user, host and port of the example; what is derived): user, host and port of the sibling.
MADE = {
    ("postgres.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:5432", "derive_pooled"): (
        "postgres.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:6432"
    ),
    ("postgres.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:5432", "derive_replica"): (
        "postgres.cnlmx96ec5kw|replica@abcdefghij-useast1-1.horizon.psdb.cloud:5432"
    ),
    ("app_user.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:6432", "derive_direct"): (
        "app_user.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:5432"
    ),
    ("app_user.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:6432", "derive_replica"): (
        "app_user.cnlmx96ec5kw|replica@abcdefghij-useast1-1.horizon.psdb.cloud:5432"
    ),
    ("app_user.cnlmx96ec5kw|replica@abcdefghij-useast1-1.horizon.psdb.cloud:6432", "derive_direct"): (
        "app_user.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:5432"
    ),
    ("app_user.cnlmx96ec5kw|replica@abcdefghij-useast1-1.horizon.psdb.cloud:6432", "derive_replica"): (
        "app_user.cnlmx96ec5kw|replica@abcdefghij-useast1-1.horizon.psdb.cloud:5432"
    ),
    ("app_user.cnlmx96ec5kw|read-bouncer@abcdefghij-useast1-1.horizon.psdb.cloud:6432", "derive_direct"): (
        "app_user.cnlmx96ec5kw@abcdefghij-useast1-1.horizon.psdb.cloud:5432"
    ),
    ("app_user.cnlmx96ec5kw|read-bouncer@abcdefghij-useast1-1.horizon.psdb.cloud:6432", "derive_replica"): (
        "app_user.cnlmx96ec5kw|replica@abcdefghij-useast1-1.horizon.psdb.cloud:5432"
    ),
    ("app.branch1234ab@planetscale-main.gcp-us-central1-1.private-pg.psdb.cloud:5432", "derive_pooled"): (
        "app.branch1234ab@planetscale-main.gcp-us-central1-1.private-pg.psdb.cloud:6432"
    ),
    ("app.branch1234ab@planetscale-main.gcp-us-central1-1.private-pg.psdb.cloud:5432", "derive_replica"): (
        "app.branch1234ab|replica@planetscale-main.gcp-us-central1-1.private-pg.psdb.cloud:5432"
    ),
    ("alex@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech:5432", "derive_pooled"): (
        "alex@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech:5432"
    ),
    ("alex@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech:5432", "derive_direct"): (
        "alex@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech:5432"
    ),
    ("neondb_owner@ep-fake-scene-a9000000.gwc.azure.neon.tech:5432", "derive_pooled"): (
        "neondb_owner@ep-fake-scene-a9000000-pooler.gwc.azure.neon.tech:5432"
    ),
    ("alex@ep-cool-darkness-123456.us-east-2.aws.neon.tech:5432", "derive_pooled"): (
        "alex@ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech:5432"
    ),
    ("user@ep-xxx-pooler.neon.tech:5432", "derive_direct"): "user@ep-xxx.neon.tech:5432",
    ("neondb_owner@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech:5432", "derive_direct"): (
        "neondb_owner@ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech:5432"
    ),
    ("postgres.abcdefghijklmnopqrst@aws-0-eu-central-1.pooler.supabase.com:6543", "derive_direct"): (
        "postgres@db.abcdefghijklmnopqrst.supabase.co:5432"
    ),
    ("postgres.abcdefghijklmnopqrst@aws-1-ap-southeast-1.pooler.supabase.com:5432", "derive_direct"): (
        "postgres@db.abcdefghijklmnopqrst.supabase.co:5432"
    ),
    ("fly-user@pgbouncer.abc123xyz.flympg.net:5432", "derive_direct"): "fly-user@direct.abc123xyz.flympg.net:5432",
    ("my_app@my-app-db.flycast:5432", "derive_replica"): "my_app@top1.nearest.of.my-app-db.internal:5433",
    ("appuser@my-pg-server.postgres.database.azure.com:6432", "derive_direct"): (
        "appuser@my-pg-server.postgres.database.azure.com:5432"
    ),
    ("avnadmin@my-pg-myproject.a.aivencloud.com:12691", "derive_replica"): (
        "avnadmin@replica-my-pg-myproject.a.aivencloud.com:12691"
    ),
    ("2f98fake@db.prisma.io:5432", "derive_pooled"): "2f98fake@pooled.db.prisma.io:5432",
    ("me@example.com@ep-rapid-cherry-y12fhu7x.database.us-west-2.cloud.databricks.com:5432", "derive_pooled"): (
        "me@example.com@ep-rapid-cherry-y12fhu7x-pooler.database.us-west-2.cloud.databricks.com:5432"
    ),
}


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("example", READ)
def test_sibling_is_made_as_documented_or_refused_with_a_remedy(example: dict[str, Any], wish: str) -> None:
    connection, rule = parsed(example), example["expect"][wish]
    request = WISHES[wish]
    outcome = derive_sibling(
        connection, identify(connection), pooled=request["pooled"], replica=request["replica"], hints=ProviderHints()
    )
    if isinstance(outcome, str):
        assert rule is None or rule.startswith(_NO_RULE), outcome
        assert _REMEDY.search(outcome), outcome
        return
    reached = identify(outcome)
    assert reached.provider is not None
    assert reached.provider.name == example["provider"]
    assert request["pooled"] in {None, reached.pooled}
    assert request["replica"] in {None, reached.replica}
    if outcome is connection:
        # It is the endpoint asked for already: nothing to derive_sibling, whatever the table has on other ways there.
        assert rule is None or rule.startswith((*_NO_RULE, "same URL", "drop |replica"))
        return
    assert rule is None or not rule.startswith(_NO_RULE)


def test_everything_in_the_table_of_siblings_is_made() -> None:
    made = {}
    for parameter in READ:
        connection = parsed(parameter.values[0])  # type: ignore[arg-type]
        for wish, request in WISHES.items():
            outcome = derive_sibling(
                connection,
                identify(connection),
                pooled=request["pooled"],
                replica=request["replica"],
                hints=ProviderHints(),
            )
            if isinstance(outcome, Connection) and outcome is not connection:
                made[f"{connection.user}@{connection.hosts[0]}", wish] = f"{outcome.user}@{outcome.hosts[0]}"
    assert made == MADE

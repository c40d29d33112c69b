"""Every documented connection string, through the front door and under its own variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from envconn import EndpointUnavailable, Policy
from envconn.drivers.libpq import arguments
from envconn.tls.endpoints import is_direct

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "tables" / "providers.json").read_text(encoding="utf-8")
)
FIELDS = ("pooled", "pool_mode", "replica", "branch", "role", "region", "cloud")

REFUSED = {
    "SCALINGO_REDIS_URL": "tls-disabled",  # clear text, as the platform hands it out
    "VCAP_SERVICES": "json-invalid",  # bound services, and no connection string
}
"""What does not load as it stands, by variable; and by provider, whose scheme or address needs a word more."""

WAIVED = ("*.flycast",)
"""Networks that are encrypted below us, where the documented strings turn TLS off."""


def loaded(example: dict[str, Any], certificates: Certificates) -> envconn.SecuredConnection:
    url = example["url"].replace("/certs/global-bundle.pem", str(certificates.ca))
    url = url.replace("/certs/root.crt", str(certificates.ca))
    ca = str(certificates.ca) if "sslmode=verify-full" in url and "sslrootcert" not in url else None
    services = envconn.load({example["environment_variable"]: url}, env_file=None, policy=Policy(waive=WAIVED, ca=ca))
    return services["database"] if "database" in services else services["broker"]


LOADING = [
    pytest.param(example, id=f"{example['provider']}-{number}")
    for number, example in enumerate(EXAMPLES)
    if example["environment_variable"] not in REFUSED
    and not example["url"].startswith("prisma+")
    and example["expect"].get("connection_kind") != "invalid"
]


@pytest.mark.parametrize("example", LOADING)
def test_is_understood(example: dict[str, Any], certificates: Certificates) -> None:
    connection = loaded(example, certificates)
    expected = {name: example["expect"][name] for name in FIELDS}
    words = {name: value.split()[0] if isinstance(value, str) else value for name, value in expected.items()}
    assert connection.provider == example["provider"]
    assert {name: getattr(connection.features if name == "cloud" else connection, name) for name in FIELDS} == words
    assert connection.tls.level >= envconn.TlsLevel.ENCRYPTED or connection.tls.local or connection.tls.waived


@pytest.mark.parametrize("example", LOADING)
@pytest.mark.parametrize("what", ["pooled", "direct", "replica", "primary"])
def test_sibling_is_made_and_judged_or_refused_with_a_reason(
    example: dict[str, Any], what: str, certificates: Certificates
) -> None:
    pooled = {"pooled": True, "direct": False}.get(what)
    replica = {"replica": True, "primary": False}.get(what)
    connection = loaded(example, certificates)
    sibling = found(connection, pooled=pooled, replica=replica)
    if isinstance(sibling, str):
        assert connection.origin.variable in sibling
        assert len(sibling) > 60
        assert "FAKE" not in sibling
    else:
        assert pooled in {None, bool(sibling.pooled)} or (what == "direct" and is_direct(sibling))
        assert replica in {None, bool(sibling.replica)}
        assert sibling.tls.level == connection.tls.level
        assert (sibling.password, sibling.dbname) == (connection.password, connection.dbname)


def found(
    connection: envconn.SecuredConnection, *, pooled: bool | None, replica: bool | None
) -> envconn.SecuredConnection | str:
    try:
        return connection.endpoint(pooled=pooled, replica=replica)
    except EndpointUnavailable as refusal:
        return str(refusal)


def test_what_is_refused_says_why() -> None:
    for example in EXAMPLES:
        variable, url = example["environment_variable"], example["url"]
        expected = REFUSED.get(variable)
        expected = "scheme-unknown" if url.startswith("prisma+") else expected
        expected = "replica-pooled" if example["expect"].get("connection_kind") == "invalid" else expected
        if expected:
            with pytest.raises(envconn.ConfigurationError) as caught:
                envconn.load({variable: url}, env_file=None)
            assert [problem.code for problem in caught.value.problems] == [expected]
            assert "FAKE" not in str(caught.value)


NEON = "postgresql://alex:FAKE@ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech/db?sslmode=require"
DIRECT = NEON.replace("-pooler", "")


def test_pooled_and_direct_endpoint_of_one_database_are_a_pair_and_no_conflict() -> None:
    services = envconn.load({"DATABASE_URL": NEON, "POSTGRES_URL": DIRECT}, env_file=None)
    assert services.database.pooled
    assert services.connection("database", pooled=False).origin.variable == "POSTGRES_URL"


def test_variable_for_the_direct_endpoint_comes_before_the_rule() -> None:
    services = envconn.load(
        {"DATABASE_URL": NEON, "DATABASE_URL_UNPOOLED": DIRECT, "DATABASE_REPLICA_URL": NEON.replace("cool", "warm")},
        env_file=None,
    )
    assert services.connection("database", pooled=False).origin.variable == "DATABASE_URL_UNPOOLED"
    assert services.connection("database", replica=True).host.startswith("ep-warm")
    assert services.connection("database", pooled=True, replica=False) is services.database


def test_branch_is_never_derived() -> None:
    services = envconn.load({"DATABASE_URL": NEON}, env_file=None)
    with pytest.raises(EndpointUnavailable, match="a branch has its own credentials"):
        services.connection("database", branch="staging")


@pytest.mark.parametrize(
    ("stated", "pooled", "statements"),
    [("transaction", True, False), ("session", True, True), ("none", False, True)],
)
def test_pooler_that_cannot_be_seen_is_stated(stated: str, pooled: bool, statements: bool) -> None:  # noqa: FBT001
    environ = {"DATABASE_URL": "postgresql://u:p@db.example.com/app", "ENVCONN_POOL_MODE": stated}
    database = envconn.load(environ, env_file=None).database
    assert (database.pooled, database.features.prepared_statements) == (pooled, statements)


def test_direct_endpoint_beside_a_pooler_that_was_stated() -> None:
    pooled, direct = "postgresql://u:p@bouncer.example.com:6432/app", "postgresql://u:p@db.example.com/app"
    environ = {"DATABASE_URL": pooled, "DIRECT_DATABASE_URL": direct, "ENVCONN_POOL_MODE": "transaction"}
    services = envconn.load(environ, env_file=None)
    assert services.database.pooled
    assert services.connection("database", pooled=False).host == "db.example.com"


def test_a_provider_behind_a_custom_hostname_is_stated() -> None:
    environ = {"DATABASE_URL": "postgresql://u:p@db.example.com/app", "ENVCONN_PROVIDER": "neon", "ENVCONN_TLS": "best"}
    database = envconn.load(environ, env_file=None).database
    assert (database.provider, database.tls.level, database.features.suspends) == (
        "neon",
        envconn.TlsLevel.VERIFY_FULL,
        True,
    )


@pytest.mark.parametrize("variable", ["ENVCONN_PROVIDER", "ENVCONN_POOL_MODE"])
def test_an_unknown_provider_or_pool_mode_is_refused(variable: str) -> None:
    environ = {"DATABASE_URL": "postgresql://u:p@db.example.com/app", variable: "marker"}
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load(environ, env_file=None)
    assert [problem.variable for problem in caught.value.problems] == [variable]
    assert "marker" not in str(caught.value)


def test_best_is_what_the_certificates_can_meet() -> None:
    urls = {
        "neon": NEON,
        "planetscale": "postgresql://app.branch1234ab:FAKE@abcdefghij-useast1-1.horizon.psdb.cloud/db",
    }
    for url in urls.values():
        plain = envconn.load({"DATABASE_URL": url}, env_file=None)
        assert plain.database.tls.level == envconn.TlsLevel.ENCRYPTED
        assert "tls-better" in [note.code for note in plain.report().notes]
        best = envconn.load({"DATABASE_URL": url, "ENVCONN_TLS": "best"}, env_file=None)
        assert best.database.tls.level == envconn.TlsLevel.VERIFY_FULL
        assert "tls-better" not in [note.code for note in best.report().notes]


RDS = "postgresql://u:FAKE@app-db.abcdefghijkl.eu-central-1.rds.amazonaws.com/db"


def test_what_has_roots_of_envconn_says_so() -> None:
    notes = {note.code: note.message for note in envconn.load({"DATABASE_URL": RDS}, env_file=None).report().notes}
    remedy = "Use sslmode=verify-full, or set ENVCONN_TLS=best: envconn has the provider's CA"
    assert notes["tls-better"] == f"could be verify-full. {remedy}"
    environ = {"DATABASE_URL": RDS, "ENVCONN_TLS": "verify-full"}
    with pytest.raises(envconn.ConfigurationError, match="Unset ENVCONN_TLS_CA: envconn has the provider's CA"):
        envconn.load({**environ, "ENVCONN_TLS_CA": "system"}, env_file=None)
    assert envconn.load(environ, env_file=None).database.tls.level == envconn.TlsLevel.VERIFY_FULL


def test_best_for_a_private_ca_requires_its_file(certificates: Certificates) -> None:
    url = "postgresql://u:FAKE@db-1.postgresql.a.osc-fr1.scalingo-dbs.com:31000/db?sslmode=require"
    without = envconn.load({"SCALINGO_POSTGRESQL_URL": url, "ENVCONN_TLS": "best"}, env_file=None)
    assert without.database.tls.level == envconn.TlsLevel.ENCRYPTED
    environ = {"SCALINGO_POSTGRESQL_URL": url, "ENVCONN_TLS": "best", "DATABASE_CA_CERT": str(certificates.ca)}
    assert envconn.load(environ, env_file=None).database.tls.level == envconn.TlsLevel.VERIFY_CA


def test_default_role_is_worth_a_note() -> None:
    url = "postgresql://postgres.branch1234ab:FAKE@abcdefghij-useast1-1.horizon.psdb.cloud/db"
    assert "default-role" in [note.code for note in envconn.load({"DATABASE_URL": url}, env_file=None).report().notes]


def test_second_name_of_the_same_endpoint_is_noted() -> None:
    report = envconn.load({"DATABASE_URL": DIRECT, "DIRECT_URL": DIRECT}, env_file=None).report()
    assert [(note.code, note.variable) for note in report.notes if note.code == "variable-duplicate"] == [
        ("variable-duplicate", "DIRECT_URL")
    ]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("options=endpoint%3Dep-other-1", "endpoint-inconsistent"),
        ("options=project%3Dep-cool-darkness-a1b2c3d4", "endpoint-inconsistent"),
        ("options=-csearch_path%3Dx", "options-pooled"),
        ("options=endpoint%3Dep-cool-darkness-a1b2c3d4-pooler", None),
        ("application_name=x", None),
    ],
)
def test_what_neons_proxy_would_refuse(parameters: str, code: str | None) -> None:
    try:
        envconn.load({"DATABASE_URL": f"{NEON}&{parameters}"}, env_file=None)
        codes = None
    except envconn.ConfigurationError as refusal:
        [codes] = [problem.code for problem in refusal.problems]
    assert codes == code


@pytest.mark.parametrize(
    ("password", "binding", "refused"),
    [
        ("endpoint%3Dep-cool-1%3Bpw", "require", True),
        ("endpoint%3Dep-cool-1%24pw", "require", True),
        ("endpoint%3Dep-cool-1%3Bpw", "prefer", False),
        ("pw", "require", False),
    ],
)
def test_endpoint_in_the_password_leaves_no_channel_binding(password: str, binding: str, *, refused: bool) -> None:
    url = NEON.replace("FAKE", password) + f"&channel_binding={binding}"
    if refused:
        with pytest.raises(envconn.ConfigurationError, match="Write the password only"):
            envconn.load({"DATABASE_URL": url}, env_file=None)
    else:
        assert envconn.load({"DATABASE_URL": url}, env_file=None).database.pooled


def test_past_of_a_branch_and_a_replica_are_read_only() -> None:
    past = DIRECT.replace("ep-cool-darkness-a1b2c3d4", "br-wispy-meadow-118737")
    assert envconn.load({"DATABASE_URL": past}, env_file=None).database.read_only
    services = envconn.load(
        {"DATABASE_URL": DIRECT, "DATABASE_REPLICA_URL": NEON.replace("cool", "warm")}, env_file=None
    )
    assert not services.database.read_only
    assert services.connection("database", replica=True).read_only


RECORD = """
from envconn.providers import Provider
ACME = Provider(name="acme", title="Acme", hosts=(r"[a-z0-9]+\\.db\\.acme\\.example",), pooled=False)
"""


def test_record_of_another_distribution_is_found(tmp_path: Path) -> None:
    (tmp_path / "acme_envconn.py").write_text(RECORD, encoding="utf-8")
    metadata = tmp_path / "acme_envconn-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-envconn\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[envconn.providers]\nacme = acme_envconn:ACME\n", encoding="utf-8")
    url = "postgresql://u:p@x1.db.acme.example/app"
    program = (
        f"import sys, envconn; sys.path.append({str(tmp_path)!r}); print(envconn.load(env_file=None).database.provider)"
    )
    for environ, expected in [({}, "acme"), ({"ENVCONN_PROVIDER": "acme"}, "acme"), ({"DATABASE_URL": LOCAL}, "local")]:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "DATABASE_URL": url, **environ},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.strip() == expected


LOCAL = "postgresql://u:p@localhost/app"


def test_direct_tls_is_used_where_the_provider_and_libpq_have_it() -> None:
    url = "postgresql://app.branch1234ab:FAKE@abcdefghij-useast1-1.horizon.psdb.cloud/db?sslmode=verify-full"
    database = envconn.load({"DATABASE_URL": url}, env_file=None).database
    assert database.tls.ca
    assert database.tls.ca.kind == "system"
    assert arguments(database, 17_00_00)["sslnegotiation"] == "direct"
    assert "sslnegotiation" not in arguments(database, 16_00_00)
    elsewhere = envconn.load({"DATABASE_URL": "postgresql://u:p@db.example.com/app"}, env_file=None).database
    assert arguments(elsewhere, 17_00_00)["sslnegotiation"] == "postgres"

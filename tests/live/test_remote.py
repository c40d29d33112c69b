"""What each provider is asked, to the letter, and what is made of its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import envconn
from apis import BEARER, HOSTS, PASSWORD, TOKEN
from envconn.records import fields
from envconn.remote import RemoteConnection, RemoteError, get_connection
from envconn.tls.secured import advice

if TYPE_CHECKING:
    from pathlib import Path

    from apis import Peer
    from throwaway.certificates import Certificates

NEON: dict[str, Any] = {"project": "quiet-sun-123", "database": "neondb", "role": "neondb_owner"}
PLANETSCALE: dict[str, Any] = {"organization": "acme", "database": "app", "role": "api"}


def requests(peer: Peer) -> list[tuple[str, str, dict[str, str]]]:
    return [(each.method, each.path, each.query) for each in peer.requests]


def test_casedev_by_default(peer: Peer) -> None:
    found = get_connection("casedev", project="proj_abc123")
    assert requests(peer) == [("GET", "/casedev/database/v1/projects/proj_abc123/connection", {})]
    assert peer.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert found.connection_uri.reveal() == peer.neon()
    assert (found.provider, found.branch, found.pooled) == ("casedev", "main", False)
    assert isinstance(found, RemoteConnection)
    connection = found.connection
    assert (connection.provider, connection.pooled, connection.user) == ("neon", False, "neondb_owner")
    assert connection.tls.level == envconn.TlsLevel.ENCRYPTED
    assert (connection.origin.source, connection.origin.variable) == ("remote", "case.dev API")


def test_casedev_branch_and_pooler(peer: Peer) -> None:
    found = get_connection("casedev", project="proj_abc123", branch="feature-auth", pooled=True)
    assert peer.requests[0].query == {"branch": "feature-auth", "pooled": "true"}
    assert (found.branch, found.pooled, found.connection.pooled) == ("feature-auth", True, True)
    assert found.connection.host.partition(".")[0].endswith("-pooler")
    assert found.connection.endpoint(pooled=False).host.partition(".")[0] == HOSTS["neon"]


@pytest.mark.parametrize("project", ["a/b", "a?b=c", "../x", "a b", "ä#", "%2f"])
def test_a_name_stays_one_segment(peer: Peer, project: str) -> None:
    with pytest.raises(RemoteError) as caught:
        get_connection("casedev", project=project)
    assert caught.value.problems[0].code == "resource-missing"
    assert peer.requests[0].path.count("/") == 6
    assert peer.requests[0].query == {}


def test_neon_by_default(peer: Peer) -> None:
    found = get_connection("neon", **NEON)
    query = {"database_name": "neondb", "role_name": "neondb_owner"}
    assert requests(peer) == [("GET", "/neon/api/v2/projects/quiet-sun-123/connection_uri", query)]
    assert (found.branch, found.pooled, found.connection.dbname) == (None, False, "neondb")


@pytest.mark.parametrize("branch", ["staging", "br-staging-a1b2"])
def test_neon_finds_a_branch_by_name_or_id(peer: Peer, branch: str) -> None:
    peer.branches = [*(f"preview-{number}" for number in range(250)), "staging"]
    found = get_connection("neon", **NEON, branch=branch, pooled=True)
    pages = [each.query for each in peer.requests if each.path.endswith("/branches")]
    assert pages == [{"limit": "100"}, {"limit": "100", "cursor": "100"}, {"limit": "100", "cursor": "200"}]
    assert peer.requests[-1].query["branch_id"] == "br-staging-a1b2"
    assert peer.requests[-1].query["pooled"] == "true"
    assert (found.branch, found.pooled) == (branch, True)


def test_neon_endpoint(peer: Peer) -> None:
    get_connection("neon", **NEON, endpoint=HOSTS["neon"])
    assert peer.requests[0].query["endpoint_id"] == HOSTS["neon"]


def test_neon_has_no_such_branch(peer: Peer) -> None:
    peer.branches = [f"preview-{number}" for number in range(120)]
    with pytest.raises(RemoteError, match=r"Use one of: preview-0, preview-1, .*, and 110 more") as caught:
        get_connection("neon", **NEON, branch="staging")
    assert (caught.value.problems[0].code, caught.value.exit_code) == ("resource-missing", 78)
    assert len(peer.requests) == 3, "a cursor behind the last page leads to an empty one, and no further"


def test_a_list_without_end_is_left(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envconn.remote.session.PAGES", 3)
    peer.branches = [f"preview-{number}" for number in range(1000)]
    with pytest.raises(RemoteError, match="no such branch"):
        get_connection("neon", **NEON, branch="staging")
    assert len(peer.requests) == 3


@pytest.mark.parametrize("pagination", [{}, {"pagination": None}, {"pagination": {"next": None}}])
def test_neon_without_a_next_page(peer: Peer, pagination: dict[str, object]) -> None:
    from apis import status

    peer.script.append(status(200, {"branches": [{"id": "br-a", "name": "a"}], **pagination}))
    with pytest.raises(RemoteError, match=r"Use one of: a$"):
        get_connection("neon", **NEON, branch="staging")


def test_a_repeated_cursor_ends_the_list(peer: Peer) -> None:
    from apis import status

    page = {"branches": [{"id": "br-a", "name": "a"}], "pagination": {"next": "same"}}
    peer.script.extend([status(200, page)] * 9)
    with pytest.raises(RemoteError, match="no such branch"):
        get_connection("neon", **NEON, branch="staging")
    assert len(peer.requests) == 2


def test_planetscale_makes_a_role(peer: Peer) -> None:
    found = get_connection("planetscale", **PLANETSCALE, create=True, ttl=3600, inherit=["pg_read_all_data"])
    path = "/planetscale/v1/organizations/acme/databases/app/branches/main/roles"
    assert requests(peer) == [("POST", path, {})]
    assert peer.requests[0].json == {"name": "api", "ttl": 3600, "inherited_roles": ["pg_read_all_data"]}
    assert peer.requests[0].headers["authorization"] == f"abcdefghijkl:{TOKEN}"
    assert peer.requests[0].headers["content-type"] == "application/json"
    assert found.connection_uri.reveal() == (
        f"postgresql://api.ab12cd34ef56:pscale_pw_{PASSWORD}@{HOSTS['planetscale']}:5432/postgres"
        "?sslmode=verify-full&sslrootcert=system"
    )
    connection = found.connection
    assert (connection.provider, connection.branch, connection.role) == ("planetscale", "ab12cd34ef56", "api")
    assert (found.branch, found.pooled, connection.tls.level) == ("main", False, envconn.TlsLevel.VERIFY_FULL)


def test_planetscale_makes_a_role_of_defaults_for_the_pooler(peer: Peer) -> None:
    found = get_connection("planetscale", **PLANETSCALE, branch="staging", create=True, pooled=True)
    assert peer.requests[0].path.endswith("/branches/staging/roles")
    assert peer.requests[0].json == {"name": "api"}
    assert (found.pooled, found.connection.port, found.connection.pool_mode) == (True, 6432, "transaction")


def test_planetscale_resets_a_role(peer: Peer) -> None:
    found = get_connection("planetscale", **{**PLANETSCALE, "role": "worker"}, reset=True)
    methods = [(each.method, each.path.rpartition("/roles")[2], each.query) for each in peer.requests]
    assert methods == [("GET", "", {}), ("GET", "", {"page": "2"}), ("POST", "/id-worker/reset", {})]
    assert found.connection.role == "worker"


def test_planetscale_resets_the_default_role(peer: Peer) -> None:
    found = get_connection("planetscale", **{**PLANETSCALE, "role": "postgres"}, reset=True)
    assert [each.path.rpartition("/roles")[2] for each in peer.requests] == ["/reset-default"]
    assert "default-role" in {note.code for note in advice(found.connection)}


@pytest.mark.parametrize("role", ["worker", "postgres"])
def test_planetscale_creates_nothing_by_default(peer: Peer, role: str) -> None:
    with pytest.raises(RemoteError, match=r"create.*reset") as caught:
        get_connection("planetscale", **{**PLANETSCALE, "role": role})
    assert (caught.value.problems[0].code, caught.value.exit_code) == ("password-not-returned", 78)
    assert {each.method for each in peer.requests} == {"GET"}


@pytest.mark.parametrize("reset", [True, False])
def test_planetscale_has_no_such_role(peer: Peer, *, reset: bool) -> None:
    with pytest.raises(RemoteError, match=r"Use one of: web, worker, or create one"):
        get_connection("planetscale", **PLANETSCALE, reset=reset)
    assert {each.method for each in peer.requests} == {"GET"}


def test_planetscale_refuses_a_name_that_is_taken(peer: Peer) -> None:
    with pytest.raises(RemoteError, match="status 422") as caught:
        get_connection("planetscale", **{**PLANETSCALE, "role": "web"}, create=True)
    assert caught.value.problems[0].code == "request-refused"


def test_scalingo_variable(peer: Peer) -> None:
    found = get_connection("scalingo", app="my-app")
    variables = ("GET", "/scalingo/v1/apps/my-app/variables", {"aliases": "false"})
    assert requests(peer) == [("POST", "/auth/v1/tokens/exchange", {}), variables]
    assert peer.requests[1].headers["authorization"] == f"Bearer {BEARER}"
    assert (found.branch, found.pooled, found.connection.provider) == (None, False, "scalingo")
    assert (found.connection.port, found.connection.tls.raised) == (30123, True), "sslmode=prefer is raised"


@pytest.mark.parametrize(("endpoint", "port"), [("public-rw", 30123), ("private-peering-rw", 30999)])
@pytest.mark.parametrize("database", [None, "my-db"])
def test_scalingo_endpoint(peer: Peer, endpoint: str, port: int, database: str | None) -> None:
    found = get_connection("scalingo", app="my-app", endpoint=endpoint, database=database)
    assert peer.requests[-1].path == f"/scalingo/v1/databases/{database or 'my-app'}/endpoints"
    assert found.connection.port == port
    assert ("peering" in found.connection.host) is (endpoint == "private-peering-rw")
    default = get_connection("scalingo", app="my-app").connection
    assert (found.connection.user, found.connection.password) == (default.user, default.password)
    assert found.connection.dbname == default.dbname


def test_scalingo_has_no_such_endpoint(peer: Peer) -> None:
    with pytest.raises(RemoteError, match="Use one of: public-rw, private-peering-rw"):
        get_connection("scalingo", app="my-app", endpoint="private-rw")


def test_scalingo_chooses_a_variable(peer: Peer) -> None:
    peer.variables = {"OTHER_URL": f"postgresql://other:{PASSWORD}@{HOSTS['scalingo']}:30555/other?sslmode=require"}
    assert get_connection("scalingo", app="my-app", variable="OTHER_URL").connection.port == 30555
    assert get_connection("scalingo", app="my-app").connection.port == 30123
    with pytest.raises(RemoteError, match="Use one of: DATABASE_URL, EMPTY, OTHER_URL, SCALINGO_POSTGRESQL_URL"):
        get_connection("scalingo", app="my-app", variable="NOTHING")


def test_scalingo_aliases_are_followed_there_and_no_file_is_read_here(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (held := tmp_path / "held").write_text("postgresql://app@localhost/app", encoding="ascii")
    monkeypatch.setenv("OURS", "postgresql://app@localhost/app")
    peer.variables = {
        "A": "$B",
        "B": "${SCALINGO_POSTGRESQL_URL}",
        "C": "$OURS",
        "D_FILE": str(held),
        "SCALINGO_POSTGRESQL_URL": f"postgresql://a:{PASSWORD}@{HOSTS['scalingo']}:30555/a",
    }
    assert get_connection("scalingo", app="my-app", variable="A").connection.port == 30555
    for name in ("C", "D"):
        with pytest.raises(RemoteError, match="no such variable"):
            get_connection("scalingo", app="my-app", variable=name)


def test_scalingo_region_decides_about_the_host(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_API_SCALINGO", "")
    with pytest.raises(RemoteError, match=r"api\.osc-secnum-fr1\.scalingo\.com") as caught:
        get_connection("scalingo", app="my-app", region="osc-secnum-fr1")
    assert caught.value.exit_code == 69, "the network ends at this machine"


@pytest.mark.parametrize("dotenv", [True, False])
def test_tokens_come_from_files_and_dotenv(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, dotenv: bool
) -> None:
    monkeypatch.delenv("NEON_API_KEY")
    (held := tmp_path / "held").write_text(f"{TOKEN}\n", encoding="ascii")
    if dotenv:
        (tmp_path / "x.env").write_text(f"NEON_API_KEY_FILE={held}\n", encoding="ascii")
    else:
        monkeypatch.setenv("NEON_API_KEY_FILE", str(held))
    found = get_connection("neon", **NEON, env_file=tmp_path / "x.env" if dotenv else None)
    assert found.connection.user == "neondb_owner"


def test_nothing_but_the_environment_that_is_given(peer: Peer, certificates: Certificates) -> None:
    environ = {"CASEDEV_API_KEY": TOKEN, "ENVCONN_API_CASEDEV": peer.url("casedev/database/v1/")}
    environ["ENVCONN_TLS_CA"] = certificates.ca.read_text(encoding="ascii")
    found = get_connection("casedev", project="proj_abc123", environ=environ)
    assert found.connection.tls.level == envconn.TlsLevel.VERIFY_CA, "a CA that is stated is asked of the database, too"
    with pytest.raises(RemoteError, match="CASEDEV_API_KEY: is not set"):
        get_connection("casedev", project="proj_abc123", environ={})


def test_the_policy_that_is_stated(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_TLS", "best")
    assert get_connection("neon", **NEON).connection.tls.level == envconn.TlsLevel.VERIFY_FULL
    both = get_connection("neon", **NEON, policy=envconn.Policy(tls="require"))
    assert both.connection.tls.level == envconn.TlsLevel.VERIFY_FULL, "the stricter of the two"
    monkeypatch.setenv("ENVCONN_TLS", "nonsense")
    peer.requests.clear()
    with pytest.raises(envconn.ConfigurationError, match="ENVCONN_TLS"):
        get_connection("neon", **NEON)
    assert peer.requests == [], "no request is sent if the answer could not be judged"


def test_a_stated_provider_is_the_one_that_answered(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_PROVIDER", "planetscale")
    assert get_connection("neon", **NEON).connection.provider == "neon"


def test_the_request_names_the_host(peer: Peer) -> None:
    get_connection("neon", **NEON)
    assert peer.names == ["localhost"]


def test_the_result_can_be_sent_on_and_shows_nothing(peer: Peer) -> None:
    found: Any = get_connection("neon", **NEON)
    assert "<Secret>" in repr(found)
    assert PASSWORD not in json.dumps(fields(found), default=str)
    with pytest.raises(AttributeError):
        found.branch = "other"

"""Logins by an identity, through every factory of connections: on a PostgreSQL that checks tokens of Amazon's form.

And on a Redis whose user has the token as its password.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
import redis
from celery import Celery

import envconn
import envconn_celery
import envconn_psycopg
import envconn_redis
import fakes
import token_server
from commands import command, environment
from envconn import Secret
from envconn.identity import tokens
from factories import FACTORIES, opened
from fakes import Answer
from leaks import failure_surfaces, find, value_surfaces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates
    from throwaway.server import Server
    from token_server import Checker

HOST = "shop.abcdefghijkl.eu-west-1.rds.amazonaws.com"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


@pytest.fixture(scope="module")
def checker() -> Checker:
    return token_server.Checker({KEYS["AWS_ACCESS_KEY_ID"]: KEYS["AWS_SECRET_ACCESS_KEY"]}, "eu-west-1")


@pytest.fixture(scope="module")
def server(certificates: Certificates, checker: Checker) -> Iterator[Server]:
    with token_server.running(certificates.issue(HOST, "db.envconn.test"), checker, HOST) as running:
        yield running


@pytest.fixture(autouse=True)
def process(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in KEYS.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(checker, "tokens", set())
    monkeypatch.setattr(checker, "refusals", [])
    monkeypatch.setattr(tokens, "_tokens", tokens._Tokens())


def environ(server: Server, certificates: Certificates, **others: str) -> dict[str, str]:
    # hostaddr makes it local, which the minimum would not apply to.
    place = f"{HOST}:{server.port}/{server.dbname}?hostaddr=127.0.0.1"
    stated = {"DATABASE_URL": f"postgresql://{server.user}@{place}", "DATABASE_CA_CERT": str(certificates.ca)}
    return {**stated, "ENVCONN_AUTH": "aws-iam", "ENVCONN_TLS_LOCAL": "enforce", **others}


def load(server: Server, certificates: Certificates, **others: str) -> envconn.Services:
    return envconn.load(environ(server, certificates, **others), env_file=None)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FACTORIES)
def test_every_factory_logs_in(name: str, server: Server, certificates: Certificates, checker: Checker) -> None:
    services = load(server, certificates)
    assert services.database.tls.level == "verify-full"
    with opened(name, services) as ask:
        assert ask() == server.user
    assert (checker.refusals, len(checker.tokens)) == ([], 1)


def test_logins_share_a_token_for_a_while(server: Server, certificates: Certificates, checker: Checker) -> None:
    services = load(server, certificates)
    for _ in range(20):
        envconn_psycopg.connect(services).close()
    assert (checker.refusals, len(checker.tokens)) == ([], 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"endpoint": "other.abcdefghijkl.eu-west-1.rds.amazonaws.com:5432"}, "endpoint"),
        ({"region": "us-east-1"}, "region"),
        ({"later": 901.0}, "expired"),
        ({"keys": {KEYS["AWS_ACCESS_KEY_ID"]: "another"}}, "signature"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_token_for_something_else_is_refused_and_shown_nowhere(
    change: dict[str, object],
    reason: str,
    server: Server,
    certificates: Certificates,
    checker: Checker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services = load(server, certificates)
    for name, value in change.items():
        monkeypatch.setattr(checker, name, value)
    with pytest.raises(psycopg.OperationalError, match="authentication failed") as caught:
        envconn_psycopg.connect(services)
    [token] = checker.tokens
    assert checker.refusals == [reason]
    for value in (services, services.database, services.database.password, services.report()):
        assert find(token[-40:], value_surfaces(value)) == {}
    # libpq's own object keeps what it has sent, and shows it to nobody who does not ask for it.
    shown = {place: text for place, text in failure_surfaces(caught.value).items() if not place.endswith("dict")}
    assert find(token[-40:], shown) == {}
    proof = envconn.probe.examine(services, login=True)
    assert [problem.code for problem in proof.problems] == ["token-refused"]
    assert "GRANT rds_iam" in str(proof.problems[0])
    assert find(token[-40:], value_surfaces(proof)) == {}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("state", ["no TLS", "another CA"])
def test_a_listener_without_proven_tls_never_gets_a_token(name: str, state: str, certificates: Certificates) -> None:
    pair = certificates.unknownca if state == "another CA" else None
    with fakes.running(Answer.CONSENT if pair else Answer.N, pair) as listener:
        _try(name, listener, certificates)
        assert "ssl" in listener.requests, "it was not contacted"
        assert (listener.passwords, listener.confided) == ([], [])


def _try(name: str, listener: fakes.Fake, certificates: Certificates) -> None:
    url = f"postgresql://app@{HOST}:{listener.port}/app?hostaddr=127.0.0.1"
    stated = {"DATABASE_URL": url, "DATABASE_CA_CERT": str(certificates.ca), "ENVCONN_AUTH": "aws-iam"}
    services = envconn.load({**stated, "ENVCONN_TLS_LOCAL": "enforce"}, env_file=None)
    with pytest.raises(Exception), opened(name, services) as ask:  # noqa: B017, PT011 - each driver has its own
        ask()


@pytest.mark.parametrize(
    ("word", "user"), [("azure-entra", "app"), ("gcp-iam", "app@project.iam")], ids=["azure-entra", "gcp-iam"]
)
def test_a_token_of_another_cloud_logs_in_too(
    word: str,
    user: str,
    server: Server,
    certificates: Certificates,
    checker: Checker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What its library makes is tried in tests/core; here, that a server gets it, and nobody else."""
    monkeypatch.setattr(checker, "wrong", lambda _, token: "" if token == "x" * 3000 else "another")
    with psycopg.connect(f"host={server.home} port={server.port} user={server.user} dbname=postgres") as admin:
        admin.execute('create role "app@project.iam" login') if "@" in user else None
    made = tokens.Token(envconn.Secret("x" * 3000), 3600)
    monkeypatch.setattr(tokens, "_made", lambda *_: made)
    place = f"db.envconn.test:{server.port}/{server.dbname}?hostaddr=127.0.0.1&sslmode=verify-full"
    stated = {"DATABASE_URL": f"postgresql://{quote(user)}@{place}", "DATABASE_CA_CERT": str(certificates.ca)}
    services = envconn.load({**stated, "ENVCONN_AUTH": word}, env_file=None)
    with envconn_psycopg.connect(services) as connection:
        assert connection.info.user == user
    monkeypatch.setattr(tokens, "_tokens", tokens._Tokens())
    monkeypatch.setattr(tokens, "_made", lambda *_: tokens.Token(envconn.Secret("y"), 3600))
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        envconn_psycopg.connect(services)


def test_the_login_is_proven(server: Server, certificates: Certificates) -> None:
    proof = envconn.prove(load(server, certificates), login=True)
    login = proof.seen[0].login
    assert login
    assert (login.identity, login.token_library) == ("aws-iam", "botocore")
    assert "with a token of aws-iam that botocore made in 0." in str(proof)


@pytest.mark.parametrize("timeout", [1.0, pytest.param(None, id="default", marks=pytest.mark.exhaustive)])
def test_an_identity_that_hangs_is_not_reported_as_the_server(
    timeout: float | None, server: Server, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(tokens, "_made", lambda *_: release.wait(20) and tokens.Unavailable("late"))
    services = load(server, certificates)
    try:
        examine = partial(envconn.probe.examine, timeout=timeout) if timeout else envconn.probe.examine
        proof = examine(services, login=True)
    finally:
        release.set()
    assert [(each.code, each.exit_code) for each in proof.problems] == [("password-unavailable", 77)]
    assert "the identity's endpoint did not answer in" in str(proof.problems[0])


def test_psql_and_its_like_get_a_token(server: Server, certificates: Certificates) -> None:
    ask = "import psycopg; print(psycopg.connect().execute('select session_user').fetchone()[0])"
    done = subprocess.run(
        command("exec", "--export", "pg", "--", sys.executable, "-c", ask),
        env=environment(environ(server, certificates)),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, server.user), done.stderr
    assert "PGPASSWORD is a token of aws-iam, valid for 15 minutes" in done.stderr


POOL = {"pool": {"min_size": 1, "max_size": 1}}


@pytest.mark.parametrize(
    "options", [pytest.param({}, id="each"), pytest.param(POOL, id="pool", marks=pytest.mark.exhaustive)]
)
def test_django_logs_in_without_being_told_to_rotate(
    options: dict[str, object], server: Server, certificates: Certificates, checkout: Path
) -> None:
    arguments = json.dumps({"environ": environ(server, certificates), "options": options})
    done = subprocess.run(
        [sys.executable, str(checkout / "tests" / "live" / "django_rotating.py"), arguments],
        input="default\ndefault\n",
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.splitlines() == [json.dumps(f"{server.user} {server.dbname}")] * 2, done.stderr


USER = ("app", b"app")  # by version of redis-py, and by option


def _a_cache(redis_server: States[Redis], certificates: Certificates, host: str, **others: str) -> envconn.Services:
    """Return the services with a proxy on this machine in front of an ElastiCache, which has the current token."""
    place = f"{host}:{redis_server['good'].port}/0?ssl_ca_certs={certificates.ca}"
    endpoint = {"ENVCONN_AUTH_HOST": "master.shop.abc123.euw1.cache.amazonaws.com", "ENVCONN_AUTH": "aws-iam"}
    return envconn.load({"REDIS_URL": f"rediss://app@{place}", **endpoint, **others}, env_file=None)


def _grant(redis_server: States[Redis], token: str) -> None:
    with redis.Redis(
        unix_socket_path=str(redis_server["good"].socket), password=redis_server["good"].password
    ) as admin:
        admin.acl_setuser("app", enabled=True, reset=True, passwords=[f"+{token}"], keys=["*"], commands=["+@all"])


def test_a_redis_of_each_kind_gets_the_token(
    redis_server: States[Redis], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = f"shop/?Action=connect&User=app&X-Amz-Signature={'0f' * 400}"
    monkeypatch.setattr(tokens, "_made", lambda *_: tokens.Token(Secret(token), 900))
    services = _a_cache(redis_server, certificates, "localhost")
    with pytest.raises(redis.AuthenticationError):
        envconn_redis.client(services).ping()
    refused = envconn.probe.examine(services, login=True).problems
    assert {each.code for each in refused} == {"token-refused"}
    assert "allow elasticache:Connect" in refused[0].message
    assert "GRANT" not in refused[0].message
    _grant(redis_server, token)
    monkeypatch.setattr(tokens, "_tokens", tokens._Tokens())
    with envconn_redis.client(services) as client:
        assert client.acl_whoami() in USER
    assert asyncio.run(_whoami(services)) in USER
    with redis.Redis(**envconn_redis.kwargs(services)) as plain:
        assert plain.acl_whoami() in USER
    with Celery("app") as app:
        app.conf.update(envconn_celery.config(services))
        with app.connection_for_write() as connection:
            assert connection.default_channel.client.acl_whoami() in USER
        assert app.backend.client.acl_whoami() in USER
    for value in (services, services.cache, services.cache.password, services.report()):
        assert find("0f" * 20, value_surfaces(value)) == {}


async def _whoami(services: envconn.Services) -> object:
    client = envconn_redis.aclient(services)
    try:
        return await client.acl_whoami()
    finally:
        await client.aclose()

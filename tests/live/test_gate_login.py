"""``--login``: 77 for what the server then refuses, at once, and never a password in what is said."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from commands import MARKER, command, environment, run

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Lab
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates
    from throwaway.server import Server

# Not repeated, so it ends long before.
FOR_EVER = ("--login", "--wait", "3600", "--timeout", "20")


@pytest.fixture
def server(lab: Lab) -> Server:
    return lab["good"]


def wrong(server: Server, part: str) -> str:
    """An address that the server will not let in."""
    good = server.uri(sslmode="require")
    return {
        "password": good.replace(server.password, MARKER),
        "user": good.replace(f"//{server.user}:", "//nobody_of_that_name:"),
        "database": good.replace(f"/{server.dbname}?", "/absent?"),
    }[part]


def test_good(server: Server, certificates: Certificates) -> None:
    variables = {"DATABASE_URL": server.uri(sslmode="verify-full"), "DATABASE_CA_CERT": str(certificates.ca)}
    done = run("check", *FOR_EVER, **variables)
    assert (done.code, done.codes) == (0, [])
    assert f"  logged in as {server.user} by " in done.out
    done = run("check", "--json", *FOR_EVER, **variables)
    (seen,) = done.document["live"]["seen"]
    assert (done.code, seen["login"]["user"], seen["login"]["tls"]) == (0, server.user, True)


@pytest.mark.parametrize(
    ("part", "code"),
    [("password", "password-refused"), ("user", "password-refused"), ("database", "database-absent")],
)
@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "--json"], ["exec", "--", "touch", "started"]], ids=lambda words: words[0]
)
def test_refused(part: str, code: str, arguments: list[str], server: Server, tmp_path: Path) -> None:
    arguments = [arguments[0], *FOR_EVER, *arguments[1:]]
    done = run(*arguments, DATABASE_URL=wrong(server, part), GITHUB_ACTIONS="true")
    assert done.code == 77
    assert f"error title=envconn%3A {code}::DATABASE_URL: " in done.err
    assert "waiting" not in done.err
    assert MARKER not in done.out + done.err
    if "--json" in arguments:
        assert (done.document["exit_code"], [each["code"] for each in done.document["problems"]]) == (77, [code])


def test_without_login_none_of_it_is_found_out(server: Server) -> None:
    assert run("check", "--live", "--timeout", "20", DATABASE_URL=wrong(server, "password")).code == 0


@pytest.mark.parametrize("state", ["good", "notls"])
def test_another_kind_of_server_starts_nothing(state: str, lab: Lab, tmp_path: Path) -> None:
    url = f"mysql://app:{MARKER}@127.0.0.1:{lab[state].port}/app"
    done = run("exec", *FOR_EVER, "--", "touch", str(tmp_path / "started"), DATABASE_URL=url)
    assert (done.code, done.codes) == (76, ["protocol-unexpected"])
    assert not (tmp_path / "started").exists()


def test_tls_is_graver(server: Server, lab: Lab, certificates: Certificates) -> None:
    bad = lab["expired"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    done = run("check", *FOR_EVER, DATABASE_URL=wrong(server, "password"), A_DATABASE_URL=bad)
    assert (done.code, sorted(done.codes)) == (76, ["certificate-expired", "password-refused"])


def test_nowhere_to_write(server: Server, certificates: Certificates) -> None:
    """libpq takes a CA from a file alone: without any, it is the configuration that is refused, in JSON as well."""
    uri, text = server.uri(sslmode="verify-full"), certificates.ca.read_text(encoding="ascii")
    variables = environment({"DATABASE_URL": uri, "DATABASE_CA_CERT": text})
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command("check", "--json", *FOR_EVER)],
        env={name: value for name, value in variables.items() if not name.startswith(("COVERAGE_", "COV_"))},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 78
    document = json.loads(done.stdout)
    problems = [(each["code"], each["variable"]) for each in document["problems"]]
    assert (document["exit_code"], problems) == (78, [("ca-unwritable", "DATABASE_CA_CERT")])


def test_redis(redis_server: States[Redis], server: Server, certificates: Certificates) -> None:
    redis = redis_server["good"]
    for uri, code in ((redis.uri(), 0), (redis.uri().replace(redis.password, MARKER), 77)):
        variables = {"DATABASE_URL": server.uri(sslmode="require"), "CACHE_URL": uri}
        done = run("check", *FOR_EVER, ENVCONN_TLS_CA=str(certificates.ca), **variables)
        assert (done.code, done.codes) == (code, ["password-refused"] if code else [])
        assert MARKER not in done.out + done.err

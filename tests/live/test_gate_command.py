"""``envconn check --live``: the exit codes one by one, each by the real command against a server in that state."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import selfsigned
import strangers
from commands import MARKER, run
from fakes import Answer
from strangers import behind_tls, say
from throwaway.process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fakes import Fake
    from lab import Lab
    from redisserver import Redis
    from servers import States
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

SECONDS = ("--timeout", "20")


@pytest.fixture
def port() -> int:
    """A port without a server."""
    return free_port()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken, and never a word is said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def somewhere(port: int, host: str = "localhost") -> str:
    return f"postgresql://app:{MARKER}@{host}:{port}/app?sslmode=require"


def test_good(lab: Lab, certificates: Certificates) -> None:
    server = lab["good"]
    uri = server.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    done = run("check", "--live", *SECONDS, DATABASE_URL=uri)
    assert (done.code, done.err) == (0, "")
    first, tls, certificate, ca, verified, *_ = done.out.splitlines()
    assert first == f"ok database [verify-full] DATABASE_URL, local: localhost:{server.port}"
    assert tls.startswith("  TLSv1.")
    assert certificate.startswith("  certificate for db.envconn.test, localhost, 127.0.0.1")
    assert ca.startswith("  CA OU=Testing CA #")
    assert ca.endswith(" days left")
    assert verified == "  its CA is verified, its hostname is verified"


def test_a_ca_that_ends_is_noted_once(certificates: Certificates, tmp_path: Path) -> None:
    end = datetime.now(UTC) + timedelta(days=12, hours=12)
    shown = selfsigned.pair(
        tmp_path,
        selfsigned.make(
            ca=True,
            begins=end - timedelta(days=90),
            ends=end,
            extensions=[selfsigned.alternatives(b"\x82localhost")],
        ),
    )
    with strangers.running(behind_tls(shown, say(b"R\0\0\0\x08\0\0\0\x05"))) as stranger:
        uri = stranger.uri(sslmode="verify-full", sslrootcert=str(shown.chain))
        done = run("check", "--live", *SECONDS, DATABASE_URL=uri)
    output = done.out + done.err
    assert done.code == 0, output
    assert output.count("[ca-expires]") == 1
    assert f"DATABASE_URL: the CA in {shown.chain} expires soon, 12 days left. " in output
    assert "  CA CN=db.envconn.test, until " in done.out


def test_good_as_json(lab: Lab, certificates: Certificates) -> None:
    server = lab["good"]
    uri = server.uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    done = run("check", "--live", "--json", *SECONDS, DATABASE_URL=uri)
    document = done.document
    assert (done.code, done.err, document["exit_code"], document["ok"]) == (0, "", 0, True)
    (seen,) = document["live"]["seen"]
    assert (seen["service"], seen["port"], seen["login"]) == ("database", server.port, None)
    assert (seen["handshake"]["chain_verified"], seen["handshake"]["host_verified"]) == (True, True)


@pytest.mark.parametrize(
    ("state", "sslmode", "codes"),
    [
        ("notls", "verify-full", ["tls-refused"]),
        ("notls", "require", ["tls-refused"]),
        ("wronghost", "verify-full", ["certificate-misnamed"]),
        ("expired", "verify-full", ["certificate-expired"]),
        ("expired", "verify-ca", ["certificate-expired"]),
        ("unknownca", "verify-full", ["certificate-untrusted"]),
        ("unknownca", "verify-ca", ["certificate-untrusted"]),
        ("wronghost", "verify-ca", []),
        ("wronghost", "require", []),
        ("expired", "require", []),
        ("unknownca", "require", []),
    ],
)
def test_certificates(state: str, sslmode: str, codes: list[str], lab: Lab, certificates: Certificates) -> None:
    """76 for what the level asks for, and for nothing else."""
    server = lab[state]
    ca = {"sslrootcert": str(certificates.ca)} if sslmode != "require" else {}
    uri = server.uri(sslmode=sslmode, **ca)
    code = 76 if codes else 0
    done = run("check", "--live", *SECONDS, DATABASE_URL=uri)
    assert (done.code, done.codes) == (code, codes)
    document = run("check", "--live", "--json", *SECONDS, DATABASE_URL=uri).document
    assert (document["exit_code"], [problem["code"] for problem in document["problems"]]) == (code, codes)
    assert document["problems"] == document["live"]["seen"][0]["problems"]


@pytest.mark.parametrize(
    ("answer", "code", "found"),
    [
        (Answer.N, 76, "tls-refused"),
        (Answer.GARBAGE, 76, "protocol-unexpected"),
        (Answer.INJECT, 76, "protocol-unexpected"),
        (Answer.CLOSE, 69, "connection-closed"),
    ],
)
def test_liars(answer: Answer, code: int, found: str, fake: Callable[[Answer], Fake]) -> None:
    liar = fake(answer)
    done = run("check", "--live", *SECONDS, DATABASE_URL=somewhere(liar.port))
    assert (done.code, done.codes) == (code, [found]), done.err
    assert not liar.saw_password_unencrypted
    assert {startup["user"] for startup in liar.startups} <= {"envconn_probe"}, "no real name is sent unencrypted"


def test_refused(port: int) -> None:
    done = run("check", "--live", DATABASE_URL=somewhere(port))
    assert (done.code, done.out, done.codes) == (69, "", ["connection-refused"])


def test_unresolved() -> None:
    # A scope that this machine does not have: no resolver is asked.
    done = run("check", "--live", DATABASE_URL=somewhere(5432, host="[::1%25nothing]"))
    assert (done.code, done.out, done.codes) == (69, "", ["host-unresolved"])


def test_timed_out(silent: int) -> None:
    done = run("check", "--timeout", "0.5", DATABASE_URL=somewhere(silent))
    assert (done.code, done.out, done.codes) == (69, "", ["timed-out"])


@pytest.mark.parametrize(("state", "code", "codes"), [("good", 0, []), ("both", 76, ["tls-not-enforced"])])
def test_enforced(state: str, code: int, codes: list[str], lab: Lab) -> None:
    uri = lab[state].uri(sslmode="require")
    done = run("check", "--enforcement=require", *SECONDS, DATABASE_URL=uri)
    assert (done.code, done.codes) == (code, codes)
    done = run("check", "--live", *SECONDS, DATABASE_URL=uri)
    assert (done.code, "[tls-not-enforced]" in done.err) == (0, bool(codes)), "a warning where it is not demanded"
    assert [line.partition(" ")[0] for line in done.err.splitlines()] == ["warning"] * len(codes)
    assert re.findall(r"\d+ (?:note|warning)s?", done.out.splitlines()[-1]) == ["1 warning"] * len(codes)


def test_configuration_comes_first(lab: Lab) -> None:
    done = run("check", "--live", "--json", DATABASE_URL=lab["good"].uri(sslmode="disable"))
    assert (done.code, done.document["exit_code"], done.document["live"]) == (78, 78, None)


def test_nothing_is_configured() -> None:
    done = run("check", "--live", ENVCONN_PHASE="build")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "Nothing is configured, which ENVCONN_PHASE=build allows."


def test_a_file_is_not_contacted() -> None:
    done = run("check", "--live", DATABASE_URL="sqlite:///app.db")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("ok database [local] DATABASE_URL\n1 connection: local. There is no server to contact.")


def test_several_services_one_of_them_bad(lab: Lab, redis_server: States[Redis], certificates: Certificates) -> None:
    ca = str(certificates.ca)
    variables = {
        "DATABASE_URL": lab["good"].uri(sslmode="verify-full", sslrootcert=ca),
        "REPORTS_DATABASE_URL": lab["expired"].uri(sslmode="verify-full", sslrootcert=ca),
        "REDIS_URL": redis_server["good"].uri(),
        "ENVCONN_TLS_CA": ca,
    }
    done = run("check", "--live", *SECONDS, **variables)
    assert (done.code, done.codes) == (76, ["certificate-expired"])
    heads = [" ".join(line.split(" ", 3)[:2]) for line in done.out.splitlines() if "[" in line and line[0] != " "]
    assert heads == ["ok database", "failed reports", "ok broker", "ok cache"]
    assert done.err.startswith("error REPORTS_DATABASE_URL: ")


def test_siblings_are_distinguished(lab: Lab) -> None:
    variables = {
        "DATABASE_URL": lab["good"].uri(sslmode="require"),
        "DIRECT_URL": lab["expired"].uri(sslmode="require"),
    }
    done = run("check", "--live", *SECONDS, **variables)
    assert done.code == 0
    heads = [line.partition(":")[0] for line in done.out.splitlines() if line.startswith("ok ")]
    assert heads == [
        "ok database [encrypted] DATABASE_URL, local",
        "ok database (direct) [encrypted] DIRECT_URL, local",
    ]
    assert done.out.endswith("2 servers contacted. No user name and no password was sent.\n")


def test_the_gravest_decides(lab: Lab, port: int, certificates: Certificates) -> None:
    bad = lab["expired"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca))
    done = run("check", "--live", *SECONDS, DATABASE_URL=somewhere(port), A_DATABASE_URL=bad)
    assert (done.code, sorted(done.codes)) == (76, ["certificate-expired", "connection-refused"])


def test_one_redis_for_two_services_fails_once(port: int) -> None:
    done = run(
        "check",
        "--live",
        *SECONDS,
        DATABASE_URL="sqlite:///a.db",
        REDIS_URL=f"rediss://localhost:{port}",
        GITHUB_ACTIONS="true",
    )
    error, annotation, summary = done.err.splitlines()
    assert (done.code, summary) == (69, "1 error in 1 variable. More: envconn explain connection-refused")
    assert error.startswith("error REDIS_URL: ")
    assert annotation.startswith("::error title=envconn%3A connection-refused::REDIS_URL: ")


def test_annotations(lab: Lab, port: int) -> None:
    variables = {"DATABASE_URL": somewhere(port), "A_DATABASE_URL": lab["both"].uri(sslmode="require")}
    for arguments in (["check", "--live"], ["check", "--live", "--json"], ["exec", "--live", "--", "true"]):
        done = run(*arguments, *([] if "exec" in arguments else SECONDS), GITHUB_ACTIONS="true", **variables)
        commands = [line for line in done.err.splitlines() if line.startswith("::")]
        assert done.code == 69
        assert [line.partition("::")[0] + line.split("::")[1] for line in commands] == [
            "warning title=envconn%3A tls-not-enforced",
            "error title=envconn%3A connection-refused",
        ]
        assert "::" not in done.out

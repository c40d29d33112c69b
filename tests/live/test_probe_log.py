"""What a look leaves in the log of a server that logs no connections, which is the default; a probe looks all day."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, cast

import pytest

import bouncer as bouncers
from envconn.probe.postgres_protocol import SSL_REQUEST
from envconn.probe.server import ENFORCEMENTS
from probing import LEVELS, codes, look, only, trust
from throwaway.process import wait

if TYPE_CHECKING:
    from envconn.probe.server import Enforcement
    from installed import Installations
    from lab import Lab
    from throwaway.certificates import Certificates
    from throwaway.server import Server

CLEAR = 'user "envconn_probe", database "envconn_probe", no encryption'


HASTY = "could not accept SSL connection: EOF"


def logged(server: Server, uri: str, enforcement: Enforcement) -> list[str]:
    """Return the lines that a look leaves; what comes behind them is a client that goes away in the handshake."""
    before = len(server.log())
    proof = look(uri, enforcement=enforcement)
    assert codes(proof) == ()
    with socket.create_connection((server.address, server.port)) as hasty:
        hasty.sendall(SSL_REQUEST)
        hasty.recv(1)
    wait(lambda: HASTY in server.log()[before:], "the line behind", seconds=5)
    return [line for line in server.log()[before:].splitlines() if HASTY not in line]


@pytest.mark.parametrize("level", LEVELS)
def test_one_connection_leaves_nothing(private: Server, certificates: Certificates, level: str) -> None:
    assert logged(private, private.uri(**trust(certificates, level)), "skip") == []


@pytest.mark.parametrize("level", LEVELS[1:])
def test_the_question_without_tls_leaves_a_line(private: Server, certificates: Certificates, level: str) -> None:
    (line,) = logged(private, private.uri(**trust(certificates, level)), "report")
    assert line.endswith(CLEAR)


def test_what_is_not_verified_is_not_looked_at(private: Server) -> None:
    # With "report", the system's CAs would be tried: the server logs that its certificate was refused.
    uri = private.uri(sslmode="require")
    skipped = only(look(uri, enforcement="skip")).handshake
    reported = only(look(uri)).handshake
    assert skipped
    assert reported
    assert (skipped.chain_verified, skipped.host_verified) == (None, None)
    assert (reported.chain_verified, reported.host_verified) == (False, True)


@pytest.mark.usefixtures("bouncer")
def test_pooler(installations: Installations, lab: Lab, certificates: Certificates) -> None:
    """PgBouncer itself logs who is unknown to it, whatever it is told to log."""
    command = installations.command("pgbouncer")
    quiet = "require\nlog_connections = 0\nlog_disconnections = 0"
    with bouncers.running(command, lab["good"], certificates, certificates.good, client_tls=quiet) as running:
        uri = running.uri(**trust(certificates, "verify-full"))
        look(uri)  # it registers the database once
        lines = {}
        for enforcement in ENFORCEMENTS[1:]:
            before = len(running.log())
            assert codes(look(uri, enforcement=cast("Enforcement", enforcement))) == ()
            lines[enforcement] = [line.rpartition("127.0.0.1:")[2] for line in running.log()[before:].splitlines()]
    assert [line.partition(" ")[2] for line in lines["skip"]] == ["no such user: envconn_probe"]
    assert sorted(line.partition(" ")[2] for line in lines["report"]) == [
        "no such user: envconn_probe",
        "pooler error: SSL required",
    ]

"""A PostgreSQL that takes tokens instead of passwords, as Amazon RDS does, and decides by their signature.

It asks for the password as plain text inside TLS, and hands it to an LDAP server (pg_hba.conf, method ``ldap``), which
is this process: the signature of version 4 is computed here a second time, with hmac alone.
"""

from __future__ import annotations

import hashlib
import hmac
import signal
import socketserver
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest

from throwaway import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from throwaway.certificates import Pair
    from throwaway.server import Server

__all__ = ["Checker", "running"]

_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass
class Checker:
    """What a token must be for: the endpoint with its port, its region and the keys; and what came of each login."""

    keys: dict[str, str]
    region: str
    endpoint: str = ""
    later: float = 0.0
    tokens: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)

    def accepts(self, user: str, token: str) -> bool:
        """Return whether `user` may log in with `token`."""
        self.tokens.add(token)
        reason = self.wrong(user, token)
        self.refusals += [reason] if reason else []
        return not reason

    def wrong(self, user: str, token: str) -> str:
        """Return what is wrong with `token`, empty for nothing."""
        endpoint, _, query = token.partition("/?")
        stated = dict(parse_qsl(query, keep_blank_values=True))
        if endpoint != self.endpoint:
            return "endpoint"
        if stated.get("Action") != "connect" or stated.get("DBUser") != user:
            return "user"
        key, day, region, *rest = stated.get("X-Amz-Credential", "").split("/")
        if region != self.region or rest != ["rds-db", "aws4_request"]:
            return "region"
        made = datetime.strptime(stated["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        if time.time() + self.later > made + min(900, int(stated["X-Amz-Expires"])):
            return "expired"
        scope = (day, region, *rest)
        return (
            ""
            if hmac.compare_digest(self._signature(key, scope, stated, query), stated["X-Amz-Signature"])
            else "signature"
        )

    def _signature(self, key: str, scope: tuple[str, ...], stated: dict[str, str], query: str) -> str:
        given = sorted(pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature="))
        request = "\n".join(("GET", "/", "&".join(given), f"host:{self.endpoint}", "", "host", _EMPTY))
        hashed = hashlib.sha256(request.encode()).hexdigest()
        text = "\n".join(("AWS4-HMAC-SHA256", stated["X-Amz-Date"], "/".join(scope), hashed))
        secret = f"AWS4{self.keys.get(key, '')}".encode()
        for part in (*scope, text):
            secret = hmac.digest(secret, part.encode(), "sha256")
        return secret.hex()


@contextmanager
def running(pair: Pair, checker: Checker, host: str) -> Iterator[Server]:
    """Run one that shows `pair`, and whose endpoint is `host`; a role for a user is made by ``server.sql``."""
    with postgres.running(pair) as server, _directory(checker) as port:
        checker.endpoint = f"{host}:{server.port}"
        method = f'ldap ldapserver=127.0.0.1 ldapport={port} ldapprefix="cn=" ldapsuffix=""'
        rules = f"local all all trust\nhostssl all all 127.0.0.0/8 {method}\n"
        (server.home / "data" / "pg_hba.conf").write_text(rules, encoding="ascii")
        before = server.log()
        assert server._process
        server._process.send_signal(signal.SIGHUP)
        _wait_for_rules(server, before)
        yield server


def _wait_for_rules(server: Server, before: str) -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        told = server.log()[len(before) :]
        if "pg_hba.conf was not reloaded" in told:
            pytest.skip("this PostgreSQL was built without LDAP")
        if "received SIGHUP" in told:
            time.sleep(0.1)
            return
        time.sleep(0.02)
    raise TimeoutError("the server does not read its rules again")


@contextmanager
def _directory(checker: Checker) -> Iterator[int]:
    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while message := _read(self.rfile):
                answer = _answer(message, checker)
                if not answer:
                    return
                self.wfile.write(answer)

    class Directory(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Directory(("127.0.0.1", 0), Session) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield found.server_address[1]
        finally:
            found.shutdown()
            thread.join()


def _read(stream: object) -> bytes:
    """Return the content of the next message (X.690, a SEQUENCE), empty at the end."""
    read = stream.read  # type: ignore[attr-defined]
    head = read(2)
    if len(head) < 2:
        return b""
    length = head[1] if head[1] < 128 else int.from_bytes(read(head[1] & 127), "big")
    return bytes(read(length))


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first element of `data`, and what follows it."""
    kind, length, start = data[0], data[1], 2
    if length > 127:
        start += length & 127
        length = int.from_bytes(data[2:start], "big")
    return kind, data[start : start + length], data[start + length :]


_BIND = 0x60


def _answer(message: bytes, checker: Checker) -> bytes:
    """Return the answer to a BindRequest (RFC 4511, section 4.2), empty for anything else."""
    _, number, rest = _element(message)
    kind, content, _ = _element(rest)
    if kind != _BIND:
        return b""
    _, _, content = _element(content)  # the version
    _, name, content = _element(content)
    _, password, _ = _element(content)
    user = name.decode().removeprefix("cn=")
    code = 0 if checker.accepts(user, password.decode()) else 49
    result = bytes((0x0A, 1, code, 4, 0, 4, 0))
    inner = bytes((2, len(number))) + number + bytes((0x61, len(result))) + result
    return bytes((0x30, len(inner))) + inner

"""One running PostgreSQL: its address, and what a test can change while it runs."""

from __future__ import annotations

import signal
import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from throwaway.process import ADDRESS, end, wait

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from throwaway.binaries import Account
    from throwaway.certificates import Pair

__all__ = ["ADDRESS", "PostgresUnavailable", "Server", "shown"]


class PostgresUnavailable(RuntimeError):
    """No PostgreSQL of this machine can be started with TLS; the text says what was tried."""


@dataclass
class Server:
    """A PostgreSQL on `port` of a loopback address and on a unix socket in `home`.

    It is made by `throwaway.postgres`. `clear` is whether it accepts connections without TLS.
    """

    home: Path
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str
    version: str
    clear: bool
    account: Account = field(repr=False)
    address: str = ADDRESS
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def uri(self, host: str = "localhost", **parameters: str) -> str:
        """Return the URI, password included; `parameters` become the query."""
        query = "?" + urlencode(parameters, quote_via=quote) if parameters else ""
        return f"postgresql://{self.user}:{self.password}@{host}:{self.port}/{self.dbname}{query}"

    def use(self, pair: Pair) -> None:
        """Present another certificate to every connection from now on.

        Raises:
            TimeoutError: the server does not present it after five seconds.
        """
        self._write_tls(pair)
        self._reload()
        expected = ssl.PEM_cert_to_DER_cert(_first_certificate(pair.chain))
        wait(lambda: shown(self.port, self.address) == expected, "the new certificate", seconds=5)

    def tls_off(self) -> None:
        """Answer ``N`` to every request for TLS from now on.

        Raises:
            TimeoutError: the server still offers TLS after five seconds.
        """
        self._write_tls(None)
        self._reload()
        wait(lambda: shown(self.port, self.address) is None, "TLS to go away", seconds=5)

    def log(self) -> str:
        """Return the log of the server."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")

    def start(self, binaries: Path, pair: Pair | None) -> None:
        """Start on the data directory in `home` and wait until it accepts connections.

        Raises:
            PostgresUnavailable: it ended instead; the text has its log.
            TimeoutError: it is not ready after twenty seconds.
        """
        self._configure()
        self._write_tls(pair)
        self._process = self.account.popen([str(binaries / "postgres"), "-D", str(self._data)], self.home / "log")
        wait(self._ready, "the server to start", seconds=20)

    def stop(self) -> None:
        """Shut down fast, then immediately, then without asking; five seconds each at most."""
        process, self._process = self._process, None
        end(process, signal.SIGINT, signal.SIGQUIT)

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _configure(self) -> None:
        lines = (
            f"port = {self.port}",
            f"listen_addresses = '{self.address}'",
            f"unix_socket_directories = '{self.home}'",
            "include 'tls.conf'",
            "shared_buffers = 16MB",
            "max_connections = 30",
            "fsync = off",
        )
        (self._data / "postgresql.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        kind = "host" if self.clear else "hostssl"
        # A client that connects to 127.1.2.3 has the address 127.0.0.1.
        places = ("local all all", f"{kind} all all 127.0.0.0/8", f"{kind} all all ::1/128")
        rules = "".join(f"{place} scram-sha-256\n" for place in places)
        (self._data / "pg_hba.conf").write_text(rules, encoding="ascii")

    def _write_tls(self, pair: Pair | None) -> None:
        if pair is not None:
            for source, name in ((pair.chain, "server.crt"), (pair.key, "server.key")):
                target = self._data / name
                target.touch(mode=0o600)
                self.account.own(target).write_bytes(source.read_bytes())
        new = self._data / "tls.new"
        new.write_text(f"ssl = {'off' if pair is None else 'on'}\n", encoding="ascii")
        new.chmod(0o644)
        new.replace(self._data / "tls.conf")

    def _reload(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def _ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise PostgresUnavailable(f"the server did not start: {self.log().strip()}")
        # Line 8 of postmaster.pid is the state (PostgreSQL 10 and newer).
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


def shown(port: int, address: str = ADDRESS) -> bytes | None:
    """Return the certificate (DER) that the server on `port` shows, or `None` when it refuses TLS."""
    with socket.create_connection((address, port), timeout=5) as connection:
        connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")  # SSLRequest
        if connection.recv(1) != b"S":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(connection) as encrypted:
            return encrypted.getpeercert(binary_form=True)


def _first_certificate(chain: Path) -> str:
    end = "-----END CERTIFICATE-----"
    return chain.read_text(encoding="ascii").partition(end)[0] + end

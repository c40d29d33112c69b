"""A real RabbitMQ that speaks AMQP over TLS and nothing else; five seconds to start, so only where it was asked for."""

from __future__ import annotations

import base64
import json
import secrets
import string
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

import daemons
from throwaway.process import ADDRESS, free_port, workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from throwaway.binaries import Account
    from throwaway.certificates import Pair

__all__ = ["ODD", "ODD_VHOST", "STATES", "RabbitMQ", "running"]

STATES = ("good", "wronghost", "expired", "unknownca")

_CONFIGURATION = """
listeners.tcp = none
listeners.ssl.default = {address}:{port}
ssl_options.certfile = {chain}
ssl_options.keyfile = {key}
ssl_options.cacertfile = {root}
ssl_options.verify = {verify}
ssl_options.fail_if_no_peer_cert = {asks}
load_definitions = {definitions}
"""

ODD = ("größe żółw", string.ascii_letters + string.digits + string.punctuation + " пароль-日本-€")
"""A second user, and the password."""

ODD_VHOST = "größe 100%/+?&=#@:"
"""A second virtual host, where both may do everything."""


@dataclass(frozen=True)
class RabbitMQ:
    """A RabbitMQ on `port` of the loopback interface."""

    port: int
    user: str
    password: str = field(repr=False)
    home: Path
    host: str = "localhost"
    ctl: tuple[str, ...] = field(default=(), repr=False)
    account: Account | None = field(default=None, repr=False)

    def control(self, *words: str) -> None:
        """Have ``rabbitmqctl`` do something; it takes a second or two."""
        assert self.account
        self.account.run([*self.ctl, *words], seconds=60)

    def uri(self, host: str = "localhost", *, scheme: str = "amqps", vhost: str = "/", **parameters: str) -> str:
        """Return the address with the password in it; `parameters` become the query."""
        return daemons.uri(scheme, (self.user, self.password), f"{host}:{self.port}", vhost, parameters)

    def log(self) -> str:
        """Return what the server has said so far."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def running(tree: Path, account: Account, pair: Pair, ca: Path, *, asks: bool = False) -> Iterator[RabbitMQ]:
    """Run the RabbitMQ that was unpacked as `tree` under `account`, showing `pair`.

    `asks` is whether clients need a certificate of `ca`.
    """
    port, mapper, user, password = free_port(), free_port(), "app", secrets.token_urlsafe(18)
    with workplace(account) as home:
        chain, key, root = daemons.keys(account, home, pair, ca)
        users = {user: password, ODD[0]: ODD[1]}
        definitions = daemons.private(account, home / "definitions.json", _definitions(users))
        asked = {"verify": "verify_peer" if asks else "verify_none", "asks": str(asks).lower()}
        text = _CONFIGURATION.format(
            address=ADDRESS, port=port, chain=chain, key=key, root=root, definitions=definitions, **asked
        )
        daemons.private(account, home / "rabbitmq.conf", text)
        daemons.private(account, home / "plugins", "[].\n")
        # Debian's own script knows /usr/lib/erlang only, whatever it is told.
        daemons.private(account, home / "erl", '#!/bin/sh\nexec "$BINDIR/erlexec" "$@"\n').chmod(0o700)
        binaries = next(tree.glob("usr/lib/erlang/erts-*/bin"))
        variables = [f"{name}={value}" for name, value in _variables(tree, binaries, home, mapper).items()]
        epmd = binaries / "epmd"
        server = tree / "usr/lib/rabbitmq/bin/rabbitmq-server"
        # The name service would otherwise be started by the first Erlang, and outlive it.
        with (
            daemons.listening(("env", *variables, str(epmd)), home, account, ADDRESS, mapper),
            daemons.listening(("env", *variables, str(server)), home, account, ADDRESS, port, seconds=60),
        ):
            ctl = ("env", *variables, str(tree / "usr/lib/rabbitmq/bin/rabbitmqctl"))
            yield RabbitMQ(port, user, password, home, ctl=ctl, account=account)


def _definitions(users: dict[str, str]) -> str:
    """Users and virtual hosts as RabbitMQ imports them ("Definition Export and Import", "Password Hashes")."""
    salt = secrets.token_bytes(4)
    hashes = {name: base64.b64encode(salt + sha256(salt + text.encode()).digest()) for name, text in users.items()}
    vhosts, may = ("/", ODD_VHOST), dict.fromkeys(("configure", "write", "read"), ".*")
    return json.dumps(
        {
            "users": [{"name": name, "password_hash": each.decode(), "tags": ""} for name, each in hashes.items()],
            "vhosts": [{"name": vhost} for vhost in vhosts],
            "permissions": [{"user": name, "vhost": vhost, **may} for name in users for vhost in vhosts],
        }
    )


def _variables(tree: Path, binaries: Path, home: Path, mapper: int) -> dict[str, object]:
    """What the scripts of Erlang and RabbitMQ would take from absolute paths."""
    return {
        "PATH": f"{home}:/usr/bin:/bin",
        "HOME": home,
        "ROOTDIR": tree / "usr/lib/erlang",
        "BINDIR": binaries,
        "EMU": "beam",
        "PROGNAME": "erl",
        "ERL_EPMD_ADDRESS": ADDRESS,
        "ERL_EPMD_PORT": mapper,
        "RABBITMQ_HOME": next(tree.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*")),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_NODENAME": f"envconn{mapper}@localhost",
        "RABBITMQ_DIST_PORT": free_port(),
        "RABBITMQ_MNESIA_BASE": home / "mnesia",
        "RABBITMQ_LOG_BASE": home / "logs",
        "RABBITMQ_CONFIG_FILE": home / "rabbitmq.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": home / "plugins",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }

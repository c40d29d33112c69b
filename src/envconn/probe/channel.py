"""The channel to one host of one service: its address, its protocol, and new connections to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from envconn.probe import handshake
from envconn.probe.failures import TLS_ONLY, Failure, handshake_failure, network_failure, resembles
from envconn.probe.network import TooMuch, address, dial, places
from envconn.probe.postgres_protocol import SSL_REQUEST
from envconn.tls.secured import unencrypted_container
from envconn.tls.uri_writer import parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from envconn.connection import Host
    from envconn.probe.handshake import Presented
    from envconn.probe.network import Place, Wire
    from envconn.probe.protocol import WireProtocol
    from envconn.tls import SecuredConnection


_MOMENT = 1.0
"""Seconds to wait for an answer that identifies a server."""

_QUESTIONS = (b"PING\r\n\r\n", SSL_REQUEST)
"""Eight bytes that servers of many kinds answer, even if with an error; and those that PostgreSQL answers."""


class Channel:
    """`protocol` is the expected protocol, `place` the address that was reached, `address` the same for messages."""

    place: Place

    def __init__(self, service: SecuredConnection, host: Host, protocol: WireProtocol) -> None:
        self.service = service
        self.host = host
        self.where = str(host)
        self.protocol = protocol
        self.address: str | None = None

    async def places(self) -> list[Place]:
        """Return the addresses of the host, at least one.

        Raises:
            Failure: there is none.
        """
        if found := await places(self.host, self.protocol.socket_path(self.host)):
            return found
        raise Failure("host-unresolved", _UNKNOWN.format(self.host.host))

    async def reach(self, place: Place) -> Wire:
        """Connect to `place`, and make it the address of this host.

        Raises:
            OSError: it is not reachable.
        """
        wire = await dial(place)
        self.place, self.address = place, address(place)
        return wire

    def compare_account(self, wire: Wire) -> None:
        """Compare the account of the server behind a unix socket with ``requirepeer``, as libpq does at once.

        Raises:
            Failure: it is another one.
        """
        wanted = self.service.parameters.get("requirepeer")
        if wanted and self.host.is_socket and wire.account() not in {wanted, None}:
            raise Failure("server-account-wrong", _OTHER_ACCOUNT.format(self.where))

    def unreached(self, errors: Sequence[OSError]) -> Failure:
        """Return why none of the addresses could be reached."""
        return network_failure(errors, self.where)

    async def dial(self) -> Wire:
        """Connect once more to the address that was reached.

        Raises:
            OSError: it is no longer reachable.
        """
        return await dial(self.place)

    async def encrypt(self, wire: Wire, context: ssl.SSLContext) -> Presented:
        """Request TLS and do the handshake.

        Raises:
            Failure: TLS is not offered, or the handshake failed.
            Rejected: `context` does not accept the certificate.
        """
        try:
            if await self.protocol.consents(wire, self.where):
                sni = self.service.parameters.get("sslsni") != "0"
                return await handshake.shake_hands(wire, context, self.host.host, sni=sni)
            failure = Failure("tls-refused", self._with_waiver(_NO_TLS))
        except (OSError, ValueError) as error:
            failure = self.failure(error)
        raise Failure("connection-closed", _SILENT.format(self.where)) if wire.silent else failure

    def failure(self, error: Exception) -> Failure:
        """Return what `error` means in a handshake, or in the first answer after it, where some alerts arrive."""
        presented = "sslcert" in self.service.parameters and self.service.parameters.get("sslcertmode") != "disable"
        versions, bounds = handshake.versions(self.service), handshake.bounds(self.service)
        files = " and ".join(parameter(self.service.family, name) for name in ("sslcert", "sslkey"))
        return handshake_failure(error, self.where, presented=presented, versions=versions, bounds=bounds, files=files)

    async def ask(self, wire: Wire) -> bytes:
        """Send the first message of the protocol and return the first answer."""
        await wire.send(self.protocol.hello)
        return await self.protocol.answer(wire)

    async def ask_unencrypted(self) -> bytes | None:
        """Do the same without TLS: return nothing if the server closes, `None` if the result is not clear."""
        try:
            async with await self.dial() as wire:
                return await self.ask(wire)
        except (OSError, TooMuch) as error:
            return b"" if isinstance(error, ConnectionResetError) else None

    async def identify(self) -> None:
        """Raise if the server speaks another protocol, or this one without TLS, as its unencrypted answer shows.

        Raises:
            Failure: it does.
        """
        for question in _QUESTIONS:
            label = await self._label(question)
            if label == self.protocol.title and self.protocol.negotiates:
                return
            if label == self.protocol.title:
                raise Failure("tls-refused", self._with_waiver(_ONLY_CLEAR))
            if label and (self.protocol.negotiates or label != TLS_ONLY):
                raise Failure("protocol-unexpected", _WRONG.format(self.where, self.protocol.title, label))

    def _with_waiver(self, message: str) -> str:
        """Return the `message` that there is no TLS, with the switch that allows it."""
        return ". ".join(filter(None, (message.format(self.where), unencrypted_container(self.service))))

    async def _label(self, question: bytes) -> str | None:
        with suppress(OSError):  # also when the time is over
            async with asyncio.timeout(_MOMENT):
                async with await self.dial() as wire:
                    await wire.send(question)
                    return resembles(await wire.receive(64))
        return None


_UNKNOWN = "{} has no address in DNS. Correct the hostname, or check the DNS of this machine"
_OTHER_ACCOUNT = (
    "the server behind {} runs under another account than requirepeer names. Correct requirepeer, or the path"
)
_SILENT = "{} closed the connection without an answer. Check whether the server behind the proxy is running"
_NO_TLS = "{} does not support TLS. Turn TLS on at the server, or correct host and port"
_ONLY_CLEAR = "{} answers without TLS, but TLS is required. Turn TLS on at the server, or correct the port"
_WRONG = "{} is not {}: it looks like {}. Correct host and port"

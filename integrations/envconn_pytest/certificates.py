"""Generate certificates: a right one, and one for each way of being wrong. No key outlives the process."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    import trustme


STATES = ("good", "wronghost", "expired", "unknownca", "notls")
"""The certificate of ``wronghost`` is for another name, of ``expired`` ended last week, of ``unknownca`` is signed by
another CA; ``notls`` answers that it has no TLS, and accepts unencrypted connections."""

ALPN = "postgresql"
_HOSTS = ("localhost", "127.0.0.1", "::1")


class Authority:
    """A CA that no client trusts yet, and another one."""

    @property
    def pem(self) -> str:
        """The certificate of the CA, for a client to trust."""
        return self._ca.cert_pem.bytes().decode("ascii")

    def issue(self, state: str) -> trustme.LeafCert:
        """Return certificate and key of a server in `state`, which is not ``notls``."""
        if state == "wronghost":
            return self._ca.issue_cert("elsewhere.envconn.test")
        if state == "expired":
            now = datetime.now(UTC)
            begin, end = now - timedelta(days=30), now - timedelta(days=7)
            return self._ca.issue_cert(*_HOSTS, not_before=begin, not_after=end)
        return (self._other if state == "unknownca" else self._ca).issue_cert(*_HOSTS)

    @cached_property
    def _ca(self) -> trustme.CA:
        return _made("envconn throw-away CA")

    @cached_property
    def _other(self) -> trustme.CA:
        return _made("envconn other throw-away CA")


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return the context of a server that presents `certificate`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols([ALPN])
    certificate.configure_cert(made)
    return made


def _made(name: str) -> trustme.CA:
    # Samples and the guard need no cryptography.
    import trustme

    return trustme.CA(organization_name=name)

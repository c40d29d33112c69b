"""What OpenSSL's own variables do to every connection of the process, despite the verdict.

``OPENSSL_CONF`` names a file whose ciphers libpq uses: with NULL ciphers, or security level 0, a verified
connection is readable (config(5), SSL_CONF_cmd(3)). Python's contexts set ciphers of their own.
"""

from __future__ import annotations

import re

from envconn.errors import note, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.errors import Finding
    from envconn.selection.scan import Scan

_WEAK = r"(?im)^[ \t]*(?:\w+\.)?(?:CipherString|Ciphersuites)[ \t]*=[^\n#]*(?:NULL|SECLEVEL[ \t]*=[ \t]*0)"
_LIMIT = 1_048_576


def findings(scan: Scan) -> Iterator[Finding]:
    """Yield a problem for a configuration that allows connections without encryption, and a note for any other."""
    path = scan.environment.plain("OPENSSL_CONF")
    if not path:
        return
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(_LIMIT)
    except OSError:
        yield note("openssl-conf", "OPENSSL_CONF", "names a file that cannot be read, which OpenSSL ignores")
        return
    if re.search(_WEAK, text):
        yield problem("openssl-weak", "OPENSSL_CONF", _ALLOWS)
    else:
        yield note("openssl-conf", "OPENSSL_CONF", _CHANGES)


_ALLOWS = (
    "allows NULL ciphers or security level 0, which libpq would use in every connection. Remove them from CipherString"
)
_CHANGES = "configures OpenSSL for every connection of the process, beside what envconn states"

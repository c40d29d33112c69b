"""What OpenSSL's own variables do to every connection of the process, despite the verdict.

``OPENSSL_CONF`` names a file whose ciphers libpq uses: with NULL ciphers, or security level 0, a verified
connection is readable (config(5), SSL_CONF_cmd(3)). Python's contexts set ciphers of their own.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

from envconn.errors import note, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from envconn.errors import Finding
    from envconn.selection.scan import Scan

_LIMIT = 1_048_576
_DEPTH = 5  # of files that include each other
_ASSIGNED = r"(?im)^[ \t]*(?:[\w.]+\.)?(?:CipherString|Ciphersuites)[ \t]*=(.*)$"
_INCLUDE = r"(?m)^[ \t]*\.include\b[ \t]*=?[ \t]*(.+?)[ \t]*$"


def findings(scan: Scan) -> Iterator[Finding]:
    """Yield a problem for a configuration that allows connections without encryption, and a note for any other."""
    path = scan.environment.plain("OPENSSL_CONF")
    if not path:
        return
    try:
        text = _read(path)
    except OSError:
        yield note("openssl-conf", "OPENSSL_CONF", "names a file that cannot be read, which OpenSSL ignores")
        return
    parts = (text, *_included(text, _DEPTH))
    if any(_is_weak(value) for part in parts for value in re.findall(_ASSIGNED, part)):
        yield problem("openssl-weak", "OPENSSL_CONF", _ALLOWS)
    else:
        yield note("openssl-conf", "OPENSSL_CONF", _CHANGES)


def _read(path: str) -> str:
    """Return the file without its comments; a backslash joins a line with the next one."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return re.sub(r"#[^\n]*", "", re.sub(r"\\\r?\n", "", file.read(_LIMIT)))


def _included(text: str, depth: int) -> Iterator[str]:
    """Yield the text of each file that `text` includes, and of those that they do. OpenSSL ignores unreadable ones."""
    for name in re.findall(_INCLUDE, text) if depth else ():
        for path in (name, *_inside(name)):
            with suppress(OSError):
                found = _read(path)
                yield found
                yield from _included(found, depth - 1)


def _inside(directory: str) -> list[str]:
    return [os.path.join(directory, name) for name in os.listdir(directory)] if os.path.isdir(directory) else []


def _is_weak(value: str) -> bool:
    # What takes a variable from elsewhere in the file may become anything.
    plain = re.sub(r"[\"'`\\ \t]", "", value).upper()
    allowed = [word for word in re.split(r"[:,;]", plain) if word[:1] not in {"!", "-"}]
    return "$" in plain or "SECLEVEL=0" in plain or any(re.search(_UNENCRYPTED, word) for word in allowed)


# COMPLEMENTOFALL selects ciphers without encryption (ciphers(1)); TLS_SHA256_SHA256 is from RFC 9150.
_UNENCRYPTED = "NULL|COMPLEMENTOFALL|TLS_SHA"

_ALLOWS = (
    "allows NULL ciphers or security level 0, which libpq would use in every connection. Remove them from CipherString"
)
_CHANGES = "configures OpenSSL for every connection of the process, in addition to envconn"

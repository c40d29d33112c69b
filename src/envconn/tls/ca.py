"""CAs: a path, the word ``system``, PEM text, or base64 of it. They are parsed when the environment is read.

libpq connects *without verification* if the file in ``sslrootcert`` does not exist and the
mode is ``require`` (fe-secure-openssl.c, initialize_SSL). So a stated CA that cannot be
used is an error when the environment is read, in every mode.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cache

from envconn.errors import Finding, files_exhausted, note, problem
from envconn.grammar.libpq_keywords import HOME_CA
from envconn.records import Value
from envconn.sources.files import read_text
from envconn.tls import ca_file

LIMIT = 4_194_304
"""The largest CA file that is read, in bytes; the bundles of operating systems have a quarter of a million."""

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""The files in which Debian, Fedora, openSUSE, Alpine and macOS keep the system's CAs."""

# Each looks at every character once: a text that nearly matches may be as long as a file.
_BEGIN = r"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----"
_BLOCK = _BEGIN + r"[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----"
_BASE64 = r"[A-Za-z0-9+/\s]{64,}={0,2}"


class CA(Value):
    """Certificates to trust, and no others.

    `kind` is ``file``, ``system``, or ``text`` for PEM in a variable. `variable` is where it is
    stated. `certificates` is their number; 0 for ``system``, which is not parsed. `moved_by` is the variable that
    names another file for ``system``, if there is one.
    """

    kind: str
    variable: str
    certificates: int = 0
    path: str = ""
    pem: str = ""
    moved_by: str = ""

    def file(self) -> str:
        """Return the path of a file with these certificates, for drivers of this process that accept only a path.

        For PEM text, it is a file in memory, which other programs cannot open.

        Raises:
            ConfigurationError: no file can be written.
        """
        return self.path or ca_file.for_this_process(self.pem, self.variable)

    def file_on_disk(self) -> str:
        """Return the path of one for other programs, which can open it until this process ends.

        Raises:
            ConfigurationError: no file can be written.
        """
        return self.path or ca_file.for_other_programs(self.pem, self.variable)

    def current_problems(self) -> list[Finding]:
        """Return the problem that the file has by now, if there is one."""
        if self.kind == "file":
            outcome = read(self.path, self.variable)
            return [outcome] if isinstance(outcome, Finding) else []
        if self.kind == "system" and not _has_certificates(self.path):
            return [files_exhausted(self.variable) or problem("ca-broken", self.variable, _NO_SYSTEM)]
        return []

    def file_problems(self) -> list[Finding]:
        """Return the problem that there is no file for drivers and none can be written, if that is so."""
        return [] if self.path else ca_file.problems(self.pem, self.variable)

    def __repr__(self) -> str:
        return f"<CA: {self}>"

    def __str__(self) -> str:
        moved = f" ({self.moved_by})" if self.moved_by else ""
        what = {
            "system": f"the system's CAs in {self.path}{moved}",
            "file": f"the CA in {self.path}",
            "text": "the CA",
        }[self.kind]
        return what if self.variable == HOME_CA else f"{what}, named by {self.variable}"


_NO_SYSTEM = "CA: the system's file has no certificate in PEM. Install ca-certificates again, or name a file"


def read(text: str, variable: str, directory: str = "") -> CA | Finding:
    """Return the CA that `text` in `variable` describes, with its certificates parsed, or the problem.

    `directory` is the one that a relative path starts from, empty for that of the process.
    """
    stripped = text.strip()
    if stripped == "system":
        return _system(variable, directory)
    if pem := _inline(stripped, directory):
        return _checked(CA("text", variable, pem=pem), pem)
    path = os.path.abspath(os.path.join(directory, stripped))
    content = read_text(path, variable, LIMIT)
    if isinstance(content, Finding):
        return problem(content.code.replace("file-", "ca-"), variable, f"CA: {content.message}")
    return _checked(CA("file", variable, path=path), content.reveal())


def days_left(ca: CA) -> int | None:
    """Return how many whole days the last of the certificates of `ca` has left, negative once it has expired.

    It is `None` for the system's CAs, and for certificates that are not a CA's.
    """
    import ssl
    import time

    context, ends = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), list[float]()
    if ca.kind != "system":
        with suppress(OSError, ValueError):  # it is another one by now, or gone
            context.load_verify_locations(ca.path or None, cadata=ca.pem or None)
            ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in context.get_ca_certs()]
    return int((max(ends) - time.time()) // _DAY) if ends else None


def expiry(ca: CA, days: int | None) -> Finding | None:
    """Return a note that `ca` has so many `days` left if they are fewer than `SOON`, else `None`.

    It is `None` for the system's CAs as well, which are replaced with the system.
    """
    if days is None or days >= SOON or ca.kind == "system":
        return None
    what = f"the CA in {ca.path}" if ca.kind == "file" else "the CA"
    if days < 0:
        return note("ca-expires", ca.variable, f"{what} expired {remaining(days)}. {_SUCCESSOR}")
    return note("ca-expires", ca.variable, f"{what} expires soon, {remaining(days)}. {_BESIDE}")


SOON = 30
"""A CA that ends in fewer days than this is worth a note."""
_SUCCESSOR = "Replace it with the CA that signs the server's certificate now"
_BESIDE = "Add its successor beside it, before the server's certificate is of that one"
_DAY = 86_400


def remaining(days: int) -> str:
    """Return how many whole `days` are left, or, if negative, how many ago it was."""
    count = days if days >= 0 else -days - 1  # whole days before or after now
    words = {0: "less than a day", 1: "1 day"}.get(count, f"{count} days")
    return f"{words} left" if days >= 0 else f"{words} ago"


def is_readable(path: str) -> bool:
    """Whether OpenSSL finds certificates or revocation lists in the file `path`."""
    import ssl

    if not os.path.isfile(path):  # reading a pipe would block
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError:
        return False
    return True


def has_lists(directory: str) -> bool:
    """Whether `directory` has a file that OpenSSL reads as a revocation list: named by the hash of an issuer."""
    try:
        names = os.listdir(directory)
    except OSError:
        return False
    return any(re.fullmatch(r"[0-9a-f]{8}\.r[0-9]+", name) for name in names)


def _inline(text: str, directory: str) -> str | None:
    r"""Return PEM text, also for ``\n`` written as two characters, or for base64 of PEM or of one DER certificate."""
    if "-----BEGIN" in text:
        return text.replace("\\n", "\n")
    if not re.fullmatch(_BASE64, text) or os.path.exists(os.path.join(directory, text)):
        return None
    from base64 import b64decode

    try:
        raw = b64decode(text)
    except ValueError:
        return None
    if raw[:1] == b"\x30":
        return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    return raw.decode("ascii", "replace")


def _checked(ca: CA, text: str) -> CA | Finding:
    found = re.findall(_BLOCK, text)
    blocks = "\n".join(found)
    # An incomplete certificate makes the whole file invalid, also if the others are complete.
    count = _count(blocks) if found and len(found) == len(re.findall(_BEGIN, text)) else 0
    if not count:
        return problem(
            "ca-broken",
            ca.variable,
            "CA: has no certificate in PEM. Write it as PEM, with its BEGIN and END lines",
        )
    return CA(ca.kind, ca.variable, count, ca.path, blocks if ca.kind == "text" else "")


@cache
def _count(blocks: str) -> int:
    """Return the number of certificates in PEM `blocks`, or 0 if one of them is invalid."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=blocks)
    except (ssl.SSLError, TypeError):  # the latter for text that is not ASCII
        return 0
    return context.cert_store_stats()["x509"]


def _system(variable: str, directory: str) -> CA | Finding:
    # The OpenSSL inside the psycopg and psycopg2 wheels looks for the system's CAs where their
    # build machine had them. Every driver finds a file, also libpq 15, which does not support `system`.
    import ssl

    if moved := os.environ.get("SSL_CERT_FILE"):
        path = os.path.abspath(os.path.join(directory, moved))
        if not os.path.isfile(path):
            return problem("ca-missing", variable, f"CA: the file in SSL_CERT_FILE does not exist. {_CORRECT}")
        if not _has_certificates(path):
            message = f"CA: the file in SSL_CERT_FILE has no certificate in PEM. {_CORRECT}"
            return files_exhausted(variable) or problem("ca-broken", variable, message)
        return CA("system", variable, path=path, moved_by="SSL_CERT_FILE")
    known = (ssl.get_default_verify_paths().cafile, *BUNDLES)
    if found := next((bundle for bundle in known if bundle and os.path.isfile(bundle)), None):
        return CA("system", variable, path=found)
    message = "CA: this system has no CA bundle. Install ca-certificates, or name a file"
    return problem("ca-missing", variable, message)


_CORRECT = "Correct SSL_CERT_FILE, or unset it"


def _has_certificates(path: str) -> bool:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except OSError:
        return False
    return context.cert_store_stats()["x509"] > 0

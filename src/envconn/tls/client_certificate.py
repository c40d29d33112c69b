"""A client certificate and its key: whether OpenSSL can use the two files, and what is wrong with them if not."""

from __future__ import annotations

import ssl

from envconn.families import MYSQL, POSTGRESQL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envconn.connection import Parameters


def fault(parameters: Parameters, family: str) -> str:
    """Return what is wrong with the client certificate and the key of `parameters`, for a message; empty if nothing is.

    A key in DER is left to libpq, the only library that supports it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Whether a key is too short depends on how the OpenSSL of each driver was built.
    context.set_ciphers("ALL:@SECLEVEL=0")
    if family == POSTGRESQL and _is_der(parameters["sslkey"]):
        return "" if _has_certificate(parameters["sslcert"]) else worded(_NO_CERTIFICATE, family)
    return load(context, parameters, family)


def load(context: ssl.SSLContext, parameters: Parameters, family: str) -> str:
    """Let `context` present the client certificate of `parameters`, or return what is wrong with the files.

    The names of the parameters in the text are those of the URIs of `family`.
    """
    stated, asked = parameters.get("sslpassword", ""), []

    def password() -> str:
        asked.append(True)
        return stated

    try:
        # A callback in any case: without one, OpenSSL asks on the terminal for the password of an encrypted key.
        context.load_cert_chain(parameters["sslcert"], parameters["sslkey"], password=password)
    except (OSError, ValueError) as error:
        if isinstance(error, ssl.SSLError) and error.reason in _MISMATCHES:
            return worded(_MISMATCH, family)
        if asked:
            return worded(_WRONG_PASSWORD if stated else _NO_PASSWORD.get(family, _NO_PASSWORD[""]), family)
        return worded(_NO_KEY if _has_certificate(parameters["sslcert"]) else _NO_CERTIFICATE, family)
    return ""


_MISMATCHES = {"KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}  # the latter for a key of another algorithm
_MISMATCH = "the key in {sslkey} does not belong to the certificate in {sslcert}. Name the two that belong together"
_WRONG_PASSWORD = "the key in {sslkey} is encrypted, and {sslpassword} is wrong. Correct it"  # noqa: S105
_NO_PASSWORD = {
    "": "the key in {sslkey} is encrypted, and there is no {sslpassword}. Add it, or decrypt the key",
    MYSQL: "the key in {sslkey} is encrypted, which MySQL drivers do not support. Decrypt it",
}
_NO_KEY = "the file in {sslkey} cannot be read. Mount it, and write it as PEM"
_NO_CERTIFICATE = "the file in {sslcert} cannot be read. Mount it, and write it as PEM"


def worded(message: str, family: str) -> str:
    """Return `message` with the names that the parameters have in the URIs of `family`."""
    from envconn.tls.uri_writer import parameter

    return message.format(**{name: parameter(family, name) for name in ("sslcert", "sslkey", "sslpassword")})


def _has_certificate(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError:
        return False
    return True


def _is_der(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(1) == b"\x30"

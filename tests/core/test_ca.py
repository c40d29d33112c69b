"""CA material: how it may be stated (T83, T86), and the longer list of what is no CA."""

from __future__ import annotations

import os
import ssl
import time
from base64 import b64encode, encodebytes
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import revocation
from envconn.errors import Finding
from envconn.tls import CA
from envconn.tls import ca as material
from envconn.tls.ca import LIMIT, days_left, expiry, read
from leaks import MARKER
from selfsigned import MONTH_13, attribute, make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from throwaway.certificates import Certificates


@pytest.fixture(scope="session")
def pem(certificates: Certificates) -> str:
    return certificates.ca.read_text("ascii")


@pytest.fixture(scope="session")
def other(certificates: Certificates) -> str:
    return certificates.other_ca.read_text("ascii")


def understood(text: str) -> CA:
    outcome = read(text, "V")
    assert isinstance(outcome, CA), outcome
    return outcome


def refused(text: str) -> str:
    outcome = read(text, "V")
    assert isinstance(outcome, Finding), outcome
    assert outcome.variable == "V"
    assert MARKER not in str(outcome)
    return outcome.code


def der(pem: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem)


@pytest.mark.parametrize(
    "spell",
    [
        lambda pem: pem,
        lambda pem: f"\n  {pem}  \n",
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: f"subject=/CN=somebody\n{pem}\n# a comment",
        lambda pem: b64encode(pem.encode()).decode(),
        lambda pem: encodebytes(pem.encode()).decode(),
        lambda pem: b64encode(der(pem)).decode(),
        lambda pem: encodebytes(der(pem)).decode(),
    ],
    ids=[
        "pem",
        "surrounding-blanks",
        "literal-backslash-n",
        "crlf",
        "text-around",
        "base64-of-pem",
        "base64-of-pem-wrapped",
        "base64-of-der",
        "base64-of-der-wrapped",
    ],
)
def test_text(pem: str, spell: Callable[[str], str]) -> None:
    ca = understood(spell(pem))
    assert (ca.kind, ca.certificates, ca.path, str(ca)) == ("text", 1, "", "the CA, named by V")
    assert "CERTIFICATE" not in repr(ca)
    with open(ca.file(), encoding="ascii") as stream:
        assert der(stream.read()) == der(pem)


def test_file_and_bundle(certificates: Certificates, tmp_path: Path, pem: str, other: str) -> None:
    ca = understood(f" {certificates.ca}\n")
    assert (ca.kind, ca.certificates, ca.file()) == ("file", 1, str(certificates.ca))
    assert str(ca) == f"the CA in {certificates.ca}, named by V"
    (bundle := tmp_path / "bundle.pem").write_text(f"{pem}\n{other}{pem}", encoding="ascii")
    assert understood(str(bundle)).certificates == 2
    assert understood(bundle.read_text("ascii")).certificates == 2


def test_relative_path_means_the_same_wherever_the_process_goes(certificates: Certificates) -> None:
    path = os.path.relpath(certificates.ca)
    assert understood(path).file() == str(certificates.ca)


def test_name_of_a_file_may_look_like_base64(certificates: Certificates) -> None:
    os.symlink(certificates.ca, "A" * 64)
    assert understood("A" * 64).kind == "file"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((40,), None),
        ((30,), None),
        ((29,), "expires soon, 29 days left. Add its successor"),
        ((0,), "expires soon, less than a day left. Add"),
        ((-1,), "expired less than a day ago. Replace it with the CA"),
        ((-3,), "expired 2 days ago. Replace"),
        ((-3, 40), None),
        ((5, -3, 2), "expires soon, 5 days left. Add"),
        ((-3, -9), "expired 2 days ago. Replace"),
    ],
)
@pytest.mark.parametrize("kind", ["file", "text"])
def test_days_that_are_left(tmp_path: Path, days: tuple[int, ...], words: str | None, kind: str) -> None:
    text = "".join(ssl.DER_cert_to_PEM_cert(ending(each, number)) for number, each in enumerate(days))
    (path := tmp_path / "ca.pem").write_text(text, encoding="ascii")
    ca = understood(str(path) if kind == "file" else text)
    assert days_left(ca) == max(days)
    found = expiry(ca, days_left(ca))
    assert (found is None) is (words is None)
    if found and words:
        assert (found.code, found.variable, found.severity) == ("ca-expires", "V", "note")
        assert found.message.startswith(f"the CA in {path} {words}" if kind == "file" else f"the CA {words}")


def ending(days: int, number: int = 0) -> bytes:
    """A CA, in DER, that ends so many whole days from now."""
    end = datetime.now(UTC) + timedelta(days=days, hours=12)
    return make(attribute(f"CA {number}"), ca=True, begins=end - timedelta(days=90), ends=end)


@pytest.mark.parametrize("kind", ["system", "a server's own", "gone", "another file by now", "no date"])
def test_days_that_are_not_known(tmp_path: Path, kind: str) -> None:
    made = {"a server's own": make(), "no date": make(ca=True, replace=MONTH_13)}.get(kind, ending(-3))
    (path := tmp_path / "ca.pem").write_text(ssl.DER_cert_to_PEM_cert(made), encoding="ascii")
    ca = understood("system" if kind == "system" else str(path))
    if kind == "gone":
        path.unlink()
    if kind == "another file by now":
        path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", encoding="ascii")
    assert days_left(ca) is None
    assert expiry(ca, None) is None


def test_the_system_s_cas_are_replaced_with_the_system() -> None:
    assert expiry(understood("system"), -3) is None


def test_dates_are_judged_by_the_handshake(certificates: Certificates) -> None:
    # An old certificate in a bundle does no harm, and clocks differ; what is expired fails to verify.
    assert understood(str(certificates.expired.chain)).certificates == 1


def broken(pem: str) -> str:
    lines = pem.splitlines()
    return "\n".join([*lines[:3], MARKER, *lines[4:]])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: MARKER,
        lambda _: "\x00\x01",
        lambda pem: pem.replace("CERTIFICATE", "PRIVATE KEY"),
        lambda pem: pem.replace("BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE").replace("END C", "END TRUSTED C"),
        lambda pem: pem.splitlines()[0],
        lambda pem: "\n".join(pem.splitlines()[:-1]),
        lambda pem: pem.replace("\n", " "),
        broken,
        lambda pem: pem + broken(pem),
        lambda pem: broken(pem) + pem,
        lambda pem: pem.replace("MII", "MIÉ", 1),
    ],
    ids=[
        "empty",
        "garbage",
        "binary",
        "private-key-only",
        "trusted",
        "begin-line-only",
        "no-end-line",
        "blanks-for-newlines",
        "broken",
        "one-of-two-broken",
        "first-of-two-broken",
        "not-ascii",
    ],
)
def test_content_refused(tmp_path: Path, pem: str, spoil: Callable[[str], str]) -> None:
    text = spoil(pem)
    (path := tmp_path / "ca.pem").write_text(text, encoding="utf-8")
    assert refused(str(path)) == "ca-broken"
    if "-----BEGIN" in text:
        assert refused(text) == "ca-broken"
        assert refused(b64encode(text.encode() + b"\n" * 64).decode()) == "ca-broken"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/nowhere/ca.pem", "ca-missing"),
        (f"/nowhere/{MARKER}", "ca-missing"),
        ("System", "ca-missing"),
        (MARKER, "ca-missing"),
        ("/", "ca-directory"),
        ("/dev/zero", "ca-special"),
        (f"{MARKER}\0", "ca-unreadable"),
        (b64encode(b"0" + MARKER.encode() * 9).decode(), "ca-broken"),
        (b64encode(MARKER.encode() * 9).decode(), "ca-broken"),
        ("A" * 65, "ca-missing"),
        ("postgresql://u:p@h/d", "ca-missing"),
    ],
    ids=[
        "missing-file",
        "marker-in-path",
        "capital-system",
        "word",
        "directory",
        "device",
        "nul",
        "base64-of-no-der",
        "base64-of-garbage",
        "no-base64",
        "url",
    ],
)
def test_text_refused(text: str, code: str) -> None:
    assert refused(text) == code


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"\xff\xfe", "ca-binary"), (b"#" * (LIMIT + 1), "ca-too-large")],
    ids=["not-utf-8", "too-large"],
)
def test_file_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (path := tmp_path / "ca.pem").write_bytes(content)
    assert refused(str(path)) == code


def test_certificate_beside_its_private_key_is_all_that_is_stored(pem: str) -> None:
    ca = understood(f"{pem.replace('CERTIFICATE', 'PRIVATE KEY')}{pem}")
    with open(ca.file(), encoding="ascii") as stream:
        assert "PRIVATE" not in stream.read()


def test_system_is_a_file_that_every_driver_finds(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
    ca = understood(" system ")
    assert (ca.kind, ca.certificates, ca.file()) == ("system", 0, str(certificates.ca))
    assert str(ca) == f"the system's CAs in {certificates.ca} (SSL_CERT_FILE), named by V"
    # Blank hides the path that is compiled into OpenSSL, so that the list decides.
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setattr(material, "BUNDLES", (str(tmp_path / "absent"), str(tmp_path), str(certificates.other_ca)))
    assert understood("system").file() == str(certificates.other_ca)


def test_system_without_a_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(material, "BUNDLES", (str(tmp_path),))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / MARKER))
    outcome = read("system", "V")
    assert isinstance(outcome, Finding)
    assert (outcome.code, "SSL_CERT_FILE" in outcome.message) == ("ca-missing", True)
    monkeypatch.setenv("SSL_CERT_FILE", "")
    assert refused("system") == "ca-missing"


@pytest.mark.parametrize(
    "text",
    ["A" * 64 + " " * 60_000 + "!", "-----BEGIN CERTIFICATE-----" * 8_000],
    ids=["blanks-behind-base64", "beginnings-without-an-end"],
)
def test_time_does_not_grow_with_the_square_of_a_text(text: str) -> None:
    before = time.process_time()
    assert refused(text)
    assert time.process_time() - before < 2


def test_one_that_is_cut_off_spoils_the_file(pem: str) -> None:
    assert refused(f"{pem[:100]}\n{pem}") == "ca-broken"


@pytest.mark.parametrize(
    "content", ["", "no certificate\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_in_the_place_of_the_system_s_has_to_hold_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "bundle.pem").write_text(content, encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
    outcome = read("system", "DATABASE_URL")
    assert isinstance(outcome, Finding)
    assert (outcome.code, "SSL_CERT_FILE" in outcome.message) == ("ca-broken", True)


def test_a_revocation_list_is_not_a_ca(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked = revocation.listed(tmp_path / "list.crl", certificates.authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(revoked))
    outcome = read("system", "DATABASE_URL")
    assert isinstance(outcome, Finding)
    assert outcome.code == "ca-broken"

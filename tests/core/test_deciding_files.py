"""The files that decide: what is noticed of a change, what is read again, and what is refused by then."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import envconn
import revocation
from envconn.errors import ConfigurationError
from envconn.rotation import alogin
from envconn.tls import deciding_files
from envconn.tls.deciding_files import contents, current, unusable, verified
from wrongfiles import no_descriptor_left

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from throwaway.certificates import Certificates

PASSWORD = "the-password-of-a-key"
LONG_AGO = 1_000_000_000


@pytest.fixture
def files(tmp_path: Path, certificates: Certificates) -> Path:
    """A directory with ``ca``, ``cert``, ``key``, ``crl`` and the directory ``crls``."""
    good = certificates.good
    for name, source in {"ca": certificates.ca, "cert": good.chain, "key": good.key}.items():
        shutil.copyfile(source, tmp_path / name)
    (tmp_path / "key").chmod(0o600)
    revocation.listed(tmp_path / "crl", certificates.authority)
    revocation.directory(tmp_path / "crls", certificates.authority)
    return tmp_path


WORDS = {"sslrootcert": "ca", "sslcert": "cert", "sslkey": "key", "sslcrl": "crl", "sslcrldir": "crls"}


def judged(directory: Path | str = "", **words: str) -> envconn.SecuredConnection:
    query = {name: os.path.join(directory, file) for name, file in (words or WORDS).items()}
    options = "&".join(f"{name}={value}" for name, value in {"sslmode": "verify-full", **query}.items())
    return envconn.secure(f"postgresql://app:pw@db.example.com/app?{options}")


@pytest.mark.parametrize("name", WORDS)
def test_each_file_is_looked_at(files: Path, name: str, certificates: Certificates) -> None:
    connection = judged(files)
    before = verified(connection)
    assert before.keys() == WORDS.keys()
    assert verified(connection) == current(connection) == before
    path = files / WORDS[name]
    if name == "sslcrldir":
        [path] = path.iterdir()
    path.write_bytes(path.read_bytes() + certificates.ca.read_bytes())
    now = verified(connection)
    assert {each for each in WORDS if now[each] != before[each]} == {name}


@pytest.mark.parametrize(
    ("name", "spoil", "code"),
    [
        *((name, os.unlink, "tls-file-missing") for name in ("sslcert", "sslkey", "sslcrl")),
        ("sslcrldir", shutil.rmtree, "tls-file-missing"),
        ("sslcrl", lambda path: path.write_text("garbage", encoding="ascii"), "crl-broken"),
        ("sslcrldir", lambda path: next(path.iterdir()).rename(path / "list.pem"), "crl-broken"),
        ("sslrootcert", os.unlink, "ca-missing"),
        ("sslrootcert", lambda path: path.write_text("garbage", encoding="ascii"), "ca-broken"),
    ],
)
def test_what_would_be_refused_is_refused(files: Path, name: str, spoil: Callable[[Path], object], code: str) -> None:
    connection = judged(files)
    spoil(files / WORDS[name])
    for _ in range(2):
        with pytest.raises(ConfigurationError) as caught:
            verified(connection)
        assert [problem.code for problem in caught.value.problems] == [code]
    with pytest.raises(ConfigurationError, match=caught.value.problems[0].message[:20]):
        judged(files)


@pytest.mark.parametrize("name", ["sslcrl", "sslcrldir", "sslrootcert"])
def test_too_many_open_files(files: Path, name: str) -> None:
    """Which is not called a broken file."""
    connection = judged(files, **{name: WORDS[name], "sslrootcert": WORDS["sslrootcert"]})
    with pytest.raises(ConfigurationError) as caught, no_descriptor_left():
        verified(connection)
    assert {problem.code for problem in caught.value.problems} == {"files-exhausted"}
    assert verified(connection)


@pytest.mark.parametrize("moved", [False, True])
def test_too_many_open_files_for_the_cas_of_the_system(monkeypatch: pytest.MonkeyPatch, *, moved: bool) -> None:
    url = "postgresql://app:pw@db.example.com/app?sslrootcert=system"
    connection = envconn.secure(url)
    if moved:
        monkeypatch.setenv("SSL_CERT_FILE", connection.tls.ca.path if connection.tls.ca else "")
    with pytest.raises(ConfigurationError) as caught, no_descriptor_left():
        verified(envconn.secure(url) if moved else connection)
    assert {problem.code for problem in caught.value.problems} == {"files-exhausted"}


def test_a_system_s_bundle(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    shutil.copyfile(certificates.ca, bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    connection = judged(sslrootcert="system")
    shutil.copyfile(certificates.other_ca, bundle)
    assert verified(connection)
    bundle.write_text("garbage", encoding="ascii")
    with pytest.raises(ConfigurationError, match="the system's file has no certificate"):
        verified(connection)


def test_without_files(certificates: Certificates) -> None:
    connection = envconn.secure("postgresql://app:pw@db.example.com/app?sslmode=require")
    assert (verified(connection), current(connection), unusable(connection)) == ({}, {}, [])
    text = certificates.ca.read_text(encoding="ascii")
    environ = {"DATABASE_URL": "postgresql://app@db.example.com/app?sslmode=verify-full", "DATABASE_CA_CERT": text}
    connection = envconn.load(environ, env_file=None).database
    assert verified(connection) == {}


CLIENTS = {
    "postgresql": ("postgresql://app:pw@h.example.com/app?sslmode=require", ("sslcert", "sslkey", "sslpassword")),
    "mysql": ("mysql://app:pw@h.example.com/app?ssl-mode=REQUIRED", ("ssl-cert", "ssl-key", "")),
    "redis": ("rediss://:pw@h.example.com/0?protocol=3", ("ssl_certfile", "ssl_keyfile", "ssl_password")),
    "sentinel": ("rediss+sentinel://h.example.com/m?protocol=3", ("ssl_certfile", "ssl_keyfile", "ssl_password")),
    "amqp": ("amqps://app:pw@h.example.com/app?heartbeat=9", ("certfile", "keyfile", "password")),
}
"""By family: a URL, and what it calls a client certificate, its key and the key's password."""
PAIRS: dict[str, tuple[str, str, str]] = {
    "usable": ("cert", "key", ""),
    "with its password": ("cert", "encrypted", PASSWORD),
    "of another certificate": (
        "cert",
        "other",
        "the key in {1} does not belong to the certificate in {0}. Name the two",
    ),
    "of another kind": ("cert", "rsa", "the key in {1} does not belong to the certificate in {0}. Name the two"),
    "without its password": ("cert", "encrypted", "the key in {1} is encrypted, "),
    "with another password": ("cert", "encrypted", "the key in {1} is encrypted, and {2} is wrong. Correct it"),
    "a key as certificate": ("key", "key", "the file in {0} cannot be read. Mount it, and write it as PEM"),
    "a certificate as key": ("cert", "cert", "the file in {1} cannot be read. Mount it, and write it as PEM"),
    "garbage as certificate": ("garbage", "key", "the file in {0} cannot be read. Mount it, and write it as PEM"),
    "garbage as key": ("cert", "garbage", "the file in {1} cannot be read. Mount it, and write it as PEM"),
    "DER as key": ("cert", "der", "the file in {1} cannot be read. Mount it, and write it as PEM"),
    "DER as key beside garbage": ("garbage", "der", "the file in {0} cannot be read. Mount it, and write it as PEM"),
}
"""The files of a client certificate and its key, and what is said about them, or the password that is right."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Path:
    """A directory with ``ca``, and the files of `PAIRS`."""
    files, good = tmp_path_factory.mktemp("keys"), certificates.good
    key = serialization.load_pem_private_key(good.key.read_bytes(), None)
    form, locked = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(PASSWORD.encode())
    pem, der, none = serialization.Encoding.PEM, serialization.Encoding.DER, serialization.NoEncryption()
    copied = {"ca": certificates.ca, "cert": good.chain, "key": good.key, "other": certificates.wronghost.key}
    for name, source in copied.items():
        shutil.copyfile(source, files / name)
    (files / "rsa").write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(pem, form, none))
    (files / "encrypted").write_bytes(key.private_bytes(pem, form, locked))
    (files / "der").write_bytes(key.private_bytes(der, form, none))
    (files / "garbage").write_bytes(b"garbage")
    return files


@pytest.mark.parametrize("family", CLIENTS)
@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_is_tried_at_load(keys: Path, monkeypatch: pytest.MonkeyPatch, family: str, pair: str) -> None:
    monkeypatch.setenv("ENVCONN_TLS_CA", str(keys / "ca"))
    url, names = CLIENTS[family]
    certificate, key, message = PAIRS[pair]
    query = f"{url}&{names[0]}={keys / certificate}&{names[1]}={keys / key}"
    if pair.endswith(" password") and "without" not in pair:
        if not names[2]:
            return
        query += f"&{names[2]}={PASSWORD if message == PASSWORD else 'another'}"
    if message in {"", PASSWORD} or (family, pair) == ("postgresql", "DER as key"):
        assert envconn.secure(query).family == family
        return
    with pytest.raises(ConfigurationError) as caught:
        envconn.secure(query)
    [found] = caught.value.problems
    assert (found.code, found.variable) == ("tls-file-broken", "connection string")
    assert found.message.startswith(message.format(*names))


def test_a_certificate_that_is_not_sent_is_not_tried(keys: Path) -> None:
    names = {"sslcert": "garbage", "sslkey": "garbage"}
    files = "&".join(f"{name}={keys / file}" for name, file in names.items())
    assert envconn.secure(f"{CLIENTS['postgresql'][0]}&sslcertmode=disable&{files}").parameters["sslcertmode"]


def test_a_pair_in_parts(keys: Path) -> None:
    parts = {"DB_HOST": "h.example.com", "DB_USER": "app", "DB_NAME": "app", "DB_ENGINE": "mysql"}
    files = {"DB_SSL_CERT": str(keys / "cert"), "DB_SSL_KEY": str(keys / "other")}
    with pytest.raises(
        ConfigurationError, match="DB_SSL_KEY: the key does not belong to the certificate in DB_SSL_CERT"
    ):
        envconn.load({**parts, **files}, env_file=None)


def test_a_path_is_absolute_from_then_on(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    connection = judged()
    monkeypatch.chdir("/")
    assert verified(connection)
    for name in ("sslcert", "sslkey", "sslcrl", "sslcrldir"):
        assert connection.parameters[name] == str(files / WORDS[name])


def test_a_pipe_is_not_waited_for(files: Path) -> None:
    os.unlink(files / "cert")
    os.mkfifo(files / "cert")
    with pytest.raises(ConfigurationError, match="the path in sslcert cannot be read"):
        judged(files)
    assert contents(judged(sslrootcert=str(files / "ca")).parameters, None) == {}
    assert deciding_files._in_file(str(files / "cert")) is None


def test_a_coroutine_looks_in_a_thread(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file on a server that does not answer stops no event loop."""
    looked: set[tuple[str, int]] = set()
    connection, stat = judged(files), os.stat

    def noted(path: str) -> os.stat_result:
        looked.add((os.path.relpath(path, files).split("/")[0], threading.get_ident()))
        return stat(path)

    async def connect(judged: envconn.SecuredConnection) -> envconn.SecuredConnection:
        return judged

    monkeypatch.setattr(os, "stat", noted)
    found = asyncio.run(alogin(connection, connect))
    monkeypatch.undo()
    assert found is connection
    assert {file for file, _ in looked} == {*WORDS.values()}
    assert threading.get_ident() not in {thread for _, thread in looked}


class TestWhatIsReadAgain:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        (tmp_path / "file").write_text("one", encoding="ascii")
        return tmp_path / "file"

    def age(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the clock be a minute further than the file."""
        later = time.time_ns() + 60_000_000_000
        monkeypatch.setattr(time, "time_ns", lambda: later)
        assert path.exists()

    def test_not_a_file_that_is_as_it_was(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.age(path, monkeypatch)
        found = deciding_files._in_file(str(path))
        monkeypatch.setattr("builtins.open", lambda *_, **__: io.BytesIO(b"another"))
        assert deciding_files._in_file(str(path)) == found

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
    def test_one_that_another_user_can_no_longer_read(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """gunicorn with preload_app and user: libpq would ignore the revocation list that root alone can read."""
        self.age(path, monkeypatch)
        path.parent.chmod(0o755)
        monkeypatch.chdir(path.parent)  # other users cannot come here by an absolute path
        found = {}
        for mode in (0o644, 0o640, 0o600):
            path.chmod(mode)
            found[mode] = deciding_files._in_file(path.name), self.of_another_user(path)
        content = hash(b"one")
        assert found == {0o644: (content, content), 0o640: (content, content), 0o600: (content, None)}

    def of_another_user(self, path: Path) -> int | None:
        try:
            os.seteuid(65534)
            assert path.name in os.listdir()
            assert os.stat(path.name)
            return deciding_files._in_file(path.name)
        finally:
            os.seteuid(0)

    def test_one_that_was_just_written(self, path: Path) -> None:
        """Of the same size, and by the clock of the file system perhaps at the same time."""
        before = deciding_files._in_file(str(path))
        path.write_text("two", encoding="ascii")
        assert deciding_files._in_file(str(path)) != before

    def test_a_file_with_an_older_time(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        os.utime(path, (LONG_AGO, LONG_AGO))
        self.age(path, monkeypatch)
        before = deciding_files._in_file(str(path))
        path.write_text("two", encoding="ascii")
        os.utime(path, (LONG_AGO, LONG_AGO))
        assert deciding_files._in_file(str(path)) != before

    def test_many_files_are_not_kept_for_ever(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deciding_files, "_MOST", 3)
        for number in range(10):
            shutil.copyfile(path, f"{path}{number}")
            assert deciding_files._in_file(f"{path}{number}") == deciding_files._in_file(str(path))
            assert len(deciding_files._known) <= 3

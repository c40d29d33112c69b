"""The file of a CA that came as text: in memory, on disk for other programs, and beyond the process."""

from __future__ import annotations

import copy
import errno
import fcntl
import os
import pickle
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import envconn
import spawned
from envconn.errors import ConfigurationError
from envconn.tls import ca_file
from envconn.tls.ca_file import MemoryFile, for_other_programs, for_this_process, lasting, on_disk
from wrongfiles import no_descriptor_left

if TYPE_CHECKING:
    from collections.abc import Callable

    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
NAME = f"envconn-{os.getuid()}"


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session's directory, as XDG_RUNTIME_DIR names it; temporary files go elsewhere, shared memory is not there."""
    for name in ("runtime", "temporary"):
        (tmp_path / name).mkdir(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(ca_file, "SHARED_MEMORY", str(tmp_path / "absent"))
    monkeypatch.setattr(ca_file, "_own", ca_file._Own())
    for name in ("_memory", "_inherited", "_substitutes"):
        monkeypatch.setattr(ca_file, name, {})
    return tmp_path / "runtime"


def content(path: str) -> str:
    return Path(path).read_text(encoding="ascii")


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "memfd_create")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, no_memory: None) -> None:
    """As with a read-only file system where there is no memory file either."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")


class TestInMemory:
    def test_one_file_for_each_content(self) -> None:
        path = for_this_process(PEM, "V")
        assert (content(path), for_this_process(PEM, "V")) == (PEM, path)
        assert content(for_this_process("another", "V")) == "another"
        assert path.startswith("/proc/self/fd/")
        assert copy.deepcopy({"ca": path}) == {"ca": path}

    def test_nothing_on_disk(self, runtime: Path) -> None:
        for_this_process(PEM, "V")
        assert [*runtime.iterdir(), *runtime.with_name("temporary").iterdir()] == []

    def test_nothing_can_change_it(self) -> None:
        path = for_this_process(PEM, "V")
        with pytest.raises(PermissionError), open(path, "r+", encoding="ascii") as stream:
            stream.write("another")
        with pytest.raises(PermissionError):
            os.truncate(path, 0)

    def test_a_fork_reads_it_and_a_command_does_not_get_it(self) -> None:
        path = for_this_process(PEM, "V")
        assert not os.get_inheritable(int(path.rpartition("/")[2]))
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            os.write(writer, content(for_this_process(PEM, "V")).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reader, 9999).decode() == PEM
        os.close(reader)
        os.close(writer)

    def test_where_all_descriptors_were_closed(self) -> None:
        """By a daemon; one of the numbers may be another file's by then."""
        path = for_this_process(PEM, "V")
        number = int(path.rpartition("/")[2])
        os.close(number)
        again = for_this_process(PEM, "V")
        assert content(again) == PEM
        other = os.open("/dev/null", os.O_RDONLY)
        os.dup2(other, int(again.rpartition("/")[2]))
        os.close(other)
        assert content(for_this_process(PEM, "V")) == PEM

    def test_descriptors_are_not_used_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ca_file, "_MOST", 3)
        first = for_this_process(PEM, "V")
        before = len(os.listdir("/dev/fd"))
        os.close(int(first.rpartition("/")[2]))  # and the number may be another file's
        for number in range(10):
            assert content(for_this_process(f"{PEM}{number}", "V")) == f"{PEM}{number}"
        assert len(os.listdir("/dev/fd")) == before + 2
        assert content(for_this_process(PEM, "V")) == PEM

    @pytest.mark.parametrize(
        ("limit", "outcome"), [(len(PEM), PEM), (len(PEM) - 1, "ca-unwritable"), (0, "ca-unwritable")]
    )
    def test_whole_or_not_at_all(self, limit: int, outcome: str) -> None:
        """A part may be certificates, too: others than were judged."""
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                content_or_code = content(for_this_process(PEM, "V"))
            except ConfigurationError as error:
                content_or_code = error.problems[0].code
            os.write(writer, content_or_code.encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with open(reader, encoding="ascii") as stream:
            assert stream.read() == outcome

    def test_many_threads(self) -> None:
        together = threading.Barrier(8)

        def read(turn: int) -> str:
            together.wait(10)
            return content(for_this_process(f"{PEM}{turn // 8}", "V"))

        with ThreadPoolExecutor(8) as pool:
            assert [*pool.map(read, range(80))] == [f"{PEM}{turn // 8}" for turn in range(80)]

    def test_another_process_makes_its_own(self) -> None:
        path = for_this_process(PEM, "V")
        there, text = spawned.ask(spawned.ca, {"sslrootcert": path})
        assert (type(there), text) == (MemoryFile, PEM)
        assert type(pickle.loads(pickle.dumps(path))) is MemoryFile  # noqa: S301 - ours

    @pytest.mark.parametrize("wrong", [errno.EMFILE, errno.EPERM, errno.ENOSYS])
    def test_without_memfd(self, monkeypatch: pytest.MonkeyPatch, runtime: Path, wrong: int) -> None:
        def refuse(*_: object) -> int:
            raise OSError(wrong, os.strerror(wrong))

        monkeypatch.setattr(os, "memfd_create", refuse)
        path = for_this_process(PEM, "V")
        assert (content(path), type(path)) == (PEM, str)
        assert path.startswith(str(runtime))

    def test_where_there_is_no_proc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.stat

        def stat_(path: str, **named: bool) -> os.stat_result:
            if str(path).startswith("/proc"):
                raise FileNotFoundError
            return real(path, **named)

        monkeypatch.setattr(os, "stat", stat_)
        before = len(os.listdir("/dev/fd"))
        assert type(for_this_process(PEM, "V")) is str
        assert len(os.listdir("/dev/fd")) == before + 1, "the lock on the directory"


class TestOnDisk:
    def test_readable_by_its_owner_only_and_written_once(self, runtime: Path) -> None:
        path = for_other_programs(PEM, "V")
        assert (stat.S_IMODE(os.stat(path).st_mode), os.stat(path).st_uid) == (0o600, os.getuid())
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
        inode = os.stat(path).st_ino
        assert for_other_programs(PEM, "V") == on_disk(for_this_process(PEM, "V")) == path
        assert (os.stat(path).st_ino, content(path)) == (inode, PEM)
        assert for_other_programs("another", "V") != path
        assert len([*runtime.iterdir()]) == 1
        assert on_disk("/etc/ca.pem") == "/etc/ca.pem"

    def test_a_cleaner_leaves_what_is_locked(self) -> None:
        """systemd-tmpfiles asks for this lock, and goes on if it does not get it (src/tmpfiles/tmpfiles.c)."""
        directory = os.path.dirname(for_other_programs(PEM, "V"))
        descriptor = os.open(directory, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)

    @pytest.mark.parametrize("spoil", [os.unlink, lambda path: shutil.rmtree(os.path.dirname(path)), None])
    def test_written_again_where_a_cleaner_has_been(self, spoil: Callable[[str], object] | None) -> None:
        path = for_other_programs(PEM, "V")
        if spoil:
            spoil(path)
        else:
            Path(path).write_text("half", encoding="ascii")
        assert content(for_other_programs(PEM, "V")) == PEM

    def test_gone_with_the_process_and_not_with_its_children(self, runtime: Path) -> None:
        code = (
            "import os, sys; from envconn.tls.ca_file import for_other_programs as f; path = f('x', 'V')\n"
            "if os.fork() == 0: sys.exit(0)\n"
            "os.wait(); print(os.path.isfile(path))"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
        assert done.stdout == "True\n"
        assert [*runtime.iterdir()] == []

    def test_of_a_process_that_was_killed(self, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        code = "import os; from envconn.tls.ca_file import for_other_programs as f; f('x', ''); os.kill(os.getpid(), 9)"
        subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
        [left] = runtime.iterdir()
        alive = Path(for_other_programs(PEM, "V")).parent
        assert left.exists(), "it might be about to be locked"
        monkeypatch.setattr(ca_file, "STALE_SECONDS", -1.0)
        (runtime / "envconn-ca-not-a-directory").touch()
        (left / "not-ours").touch()
        for _ in range(2):
            monkeypatch.setattr(ca_file, "_own", ca_file._Own())
            for_other_programs(PEM, "V")
            assert [path.name for path in left.iterdir()] == ["not-ours"]
        (left / "not-ours").unlink()
        monkeypatch.setattr(ca_file, "_own", ca_file._Own())
        for_other_programs(PEM, "V")
        assert (left.exists(), alive.exists()) == (False, True)

    def test_many_threads(self) -> None:
        text, together = "x" * 200_000, threading.Barrier(8)

        def size(turn: int) -> int:
            together.wait(10)
            return os.path.getsize(for_other_programs(f"{text}{turn // 8}", "V"))

        with ThreadPoolExecutor(8) as pool:
            assert {*pool.map(size, range(80))} == {len(text) + 1}

    def test_the_next_place_where_one_is_full(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "absent").mkdir()
        real = ca_file._write

        def write(directory: str, pem: str) -> str:
            if not directory.startswith(str(tmp_path / "absent")):
                (Path(directory) / f"{'0' * 32}.pem.1.1").touch()
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(directory, pem)

        monkeypatch.setattr(ca_file, "_write", write)
        for make in (for_other_programs, lasting):
            assert content(make(PEM, "V")) == PEM

    def test_a_disk_that_is_full_leaves_no_half_of_a_file(self, monkeypatch: pytest.MonkeyPatch, runtime: Path) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(ConfigurationError):
            lasting(PEM, "V")
        assert [*(runtime / NAME).iterdir()] == []


@pytest.mark.usefixtures("nowhere")
class TestNowhere:
    @pytest.mark.parametrize("make", [for_this_process, for_other_programs, lasting])
    def test_says_what_to_do(self, make: Callable[[str, str], str]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            make(PEM, "DATABASE_CA_CERT")
        [problem] = caught.value.problems
        assert (problem.code, problem.variable) == ("ca-unwritable", "DATABASE_CA_CERT")
        assert "Set TMPDIR" in problem.message
        assert caught.value.__context__ is None

    def test_at_load(self, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        environ = {
            "DATABASE_URL": "postgresql://app:pw@db.example.com/app?sslmode=verify-full",
            "DATABASE_CA_CERT": certificates.ca.read_text("ascii"),
        }
        with pytest.raises(ConfigurationError) as caught:
            envconn.load(environ, env_file=None)
        assert [problem.code for problem in caught.value.problems] == ["ca-unwritable"]
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        assert envconn.load(environ, env_file=None)


@pytest.mark.parametrize("make", [for_this_process, for_other_programs, lasting])
def test_too_many_open_files(make: Callable[[str, str], str]) -> None:
    with pytest.raises(ConfigurationError) as caught, no_descriptor_left():
        make(PEM, "DATABASE_CA_CERT")
    [problem] = caught.value.problems
    assert (problem.code, problem.variable) == ("files-exhausted", "DATABASE_CA_CERT")
    assert content(make(PEM, "DATABASE_CA_CERT")) == PEM


class TestLasting:
    def test_the_file_is_readable_by_its_owner_only(self, runtime: Path) -> None:
        path = lasting(PEM, "V")
        assert os.path.dirname(path) == str(runtime / NAME)
        assert (stat.S_IMODE(os.stat(path).st_mode), stat.S_IMODE((runtime / NAME).stat().st_mode)) == (0o600, 0o700)
        assert content(path) == PEM

    def test_outlives_processes_and_does_not_pile_up(self, runtime: Path) -> None:
        statement = f"from envconn.tls.ca_file import lasting; print(lasting({PEM!r}, 'V'))"
        command = [sys.executable, "-c", statement]
        done = [
            subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout for _ in range(2)
        ]
        assert done[0] == done[1]
        assert [path.read_text("ascii") for path in (runtime / NAME).iterdir()] == [PEM]
        lasting("another", "V")
        assert len([*(runtime / NAME).iterdir()]) == 2

    @pytest.mark.parametrize("taken", [False, True])
    def test_one_descriptor_however_often_it_is_called(self, runtime: Path, *, taken: bool) -> None:
        if taken:
            (runtime / NAME).touch()
        directory = os.path.dirname(lasting(PEM, "V"))
        before = len(os.listdir("/dev/fd"))
        assert {os.path.dirname(lasting(f"{PEM}{number}", "V")) for number in range(10)} == {directory}
        assert len(os.listdir("/dev/fd")) == before
        shutil.rmtree(directory)
        assert content(lasting(PEM, "V")) == PEM

    def test_the_program_that_replaces_this_one_holds_the_lock(self, runtime: Path) -> None:
        command = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], 0), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        replaced = f"os.execv(sys.executable, [sys.executable, '-c', {command!r}, {str(runtime / NAME)!r}])"
        code = f"import os, sys; from envconn.tls.ca_file import lasting; lasting('x', 'V'); {replaced}"
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
        assert "BlockingIOError" in done.stderr

    @pytest.mark.parametrize("named", ["", "missing", "file", "closed"])
    def test_without_a_usable_runtime_directory(
        self, runtime: Path, monkeypatch: pytest.MonkeyPatch, named: str
    ) -> None:
        (runtime / "file").touch(0o400)
        (runtime / "closed").mkdir(0o500)
        monkeypatch.setenv("XDG_RUNTIME_DIR", named and str(runtime / named))
        if named == "closed" and os.access(runtime / "closed", os.W_OK):
            assert lasting(PEM, "V").startswith(str(runtime / "closed")), "root may write anywhere"
            return
        assert os.path.dirname(lasting(PEM, "V")) == str(runtime.with_name("temporary") / NAME)

    def test_another_users_runtime_directory(self, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """``su`` keeps the variable; the owner of the directory could replace what is in it."""
        monkeypatch.setenv("XDG_RUNTIME_DIR", "/" if os.getuid() else str(runtime))
        if not os.getuid():
            os.chown(runtime, 65534, 65534)
        assert os.path.dirname(lasting(PEM, "V")) == str(runtime.with_name("temporary") / NAME)

    @pytest.mark.parametrize("trap", ["open", "link", "file", *([] if os.getuid() else ["alien"])])
    def test_name_that_is_taken(self, runtime: Path, tmp_path: Path, trap: str) -> None:
        if trap == "open":
            (runtime / NAME).mkdir()
            (runtime / NAME).chmod(0o770)
        elif trap == "link":
            (tmp_path / "mine").mkdir(0o700)
            (runtime / NAME).symlink_to(tmp_path / "mine")
        elif trap == "file":
            (runtime / NAME).touch(0o600)
        else:
            (runtime / NAME).mkdir(0o700)
            os.chown(runtime / NAME, 65534, 65534)
        path = lasting(PEM, "V")
        assert os.path.dirname(path) != str(runtime / NAME)
        assert os.path.dirname(os.path.dirname(path)) == str(runtime)
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700

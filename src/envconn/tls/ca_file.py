"""Files for a CA that came as text, because most drivers accept only a path.

In this process and its forks it is a file in memory (memfd_create(2)): no cleaner removes it, no full or
read-only file system stands in its way, and nothing is left behind. Another program cannot open it, so what is pickled,
exported or passed to a command gets a file on disk that only its owner can read. While a process that uses such a file
runs, it holds a lock (flock(2)) on the directory, which systemd-tmpfiles does not clean then.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from contextlib import suppress

from envconn.errors import ConfigurationError, Finding, files_exhausted, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

STALE_SECONDS = 60.0
"""The age from which a directory without a lock is one of a process that was killed: making and locking take less."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - only directories of our own are used in it
"""The last directory that is tried: containers with a read-only file system have it."""

_FAILURES = (OSError, ImportError)
"""What a full disk and too many open files lead to; of the latter, a module that is imported here is one more."""
_PREFIX = "envconn-ca-"
_MFD_NOEXEC_SEAL = 0x8  # Linux 6.3; required where the sysctl vm.memfd_noexec is 2


class MemoryFile(str):
    """The path of a file in memory with `pem`, stated in `variable`. A pickle has the text, and makes a new file."""

    __slots__ = ("pem", "variable")

    pem: str
    variable: str

    def __new__(cls, path: str, pem: str, variable: str) -> Self:
        """Make the text `path` with what a pickle needs."""
        made = super().__new__(cls, path)
        made.pem, made.variable = pem, variable
        return made

    def __reduce__(self) -> tuple[Callable[[str, str], str], tuple[str, str]]:
        return for_this_process, (self.pem, self.variable)


def for_this_process(pem: str, variable: str) -> str:
    """Return the path of a file with `pem` that this process and its forks can open. `variable` is for messages.

    Where there are no files in memory (macOS), it is that of `for_other_programs`.

    Raises:
        ConfigurationError: no file can be written.
    """
    path = _in_memory(pem)
    return MemoryFile(path, pem, variable) if path else for_other_programs(pem, variable)


def for_other_programs(pem: str, variable: str) -> str:
    """Return the path of a file with `pem` that programs of the same user can open until this process ends.

    It is written once for each content, and again if it is gone. Forked workers share it and do not remove it. If this
    process is killed, the next one that needs such a file removes it.

    Raises:
        ConfigurationError: no file can be written.
    """
    for base in (None, *_bases()):
        with suppress(*_FAILURES):
            return _write(_own.directory(base), pem)
    raise ConfigurationError([_unwritable(variable)])


def on_disk(path: str) -> str:
    """Return `path`, or that of a file on disk with the same content if it is a `MemoryFile`.

    Raises:
        ConfigurationError: no file can be written.
    """
    return for_other_programs(path.pem, path.variable) if isinstance(path, MemoryFile) else path


def lasting(pem: str, variable: str) -> str:
    """Return the path of a file with `pem` that outlives this process; readable only by its owner.

    It is for the program that replaces this process, and for text that is read later. It is in
    ``envconn-UID`` below ``XDG_RUNTIME_DIR``, or below the directory for temporary files, and is named
    by its content: starting the same program a thousand times leaves one file. The system removes it
    with that directory (at the end of the session, at boot, or by age, but not while the program that replaces this
    process runs). Without it, the program cannot connect.

    Raises:
        ConfigurationError: no file can be written.
    """
    for base in _bases():
        with suppress(*_FAILURES):
            directory = _lasting(base)
            path = _write(directory, pem)
            os.utime(path)
            _keep_locked(directory)
            return path
    raise ConfigurationError([_unwritable(variable)])


def problems(pem: str, variable: str) -> list[Finding]:
    """Return the problem that no file can be made for `pem`, if there is one."""
    try:
        for_this_process(pem, variable)
    except ConfigurationError as error:
        return list(error.problems)
    return []


def _unwritable(variable: str) -> Finding:
    return files_exhausted(variable) or problem("ca-unwritable", variable, _UNWRITABLE)


_UNWRITABLE = (
    "CA: is text, and no directory is writable for its file. Set TMPDIR to one that is, or the CA to the path of a file"
)

_memory: dict[str, tuple[int, tuple[int, int]]] = {}
"""The descriptors of the files in memory, and their identities, by content, the oldest first."""
_MOST = 256
"""The number of them: a CA that is replaced every hour must not use up the descriptors of a process."""


def _in_memory(pem: str) -> str | None:
    found = _memory.get(pem)
    # A daemon may have closed all descriptors, and the number may be another file's by now.
    if found is None or _identity(found[0]) != found[1]:
        descriptor = _memory_descriptor(pem)
        if descriptor is None:
            return None
        found = _memory[pem] = descriptor, _identity(descriptor) or (0, 0)
        _close_oldest()
    return f"/proc/self/fd/{found[0]}"


_CLOSED = (-1, (0, 0))
"""The descriptor and identity of a file that another thread has removed from `_memory`."""


def _close_oldest() -> None:
    """Close the files beyond `_MOST`, if they are still ours."""
    for pem in [*_memory][:-_MOST]:
        descriptor, identity = _memory.pop(pem, _CLOSED)
        if _identity(descriptor) == identity:
            os.close(descriptor)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _memory_descriptor(pem: str) -> int | None:
    """Return the descriptor of a new file in memory that nothing can change, or `None`."""
    descriptor = _created()
    if sys.platform == "linux" and descriptor is not None:
        try:
            import fcntl

            seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
            with open(descriptor, "wb", closefd=False) as stream:  # whole or not at all, whatever RLIMIT_FSIZE cuts off
                stream.write(pem.encode())
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
            os.stat(f"/proc/self/fd/{descriptor}")  # a container may be without /proc
        except _FAILURES:
            os.close(descriptor)
        else:
            return descriptor
    return None


def _created() -> int | None:
    if sys.platform == "linux" and hasattr(os, "memfd_create"):
        for flags in (_MFD_NOEXEC_SEAL, 0):
            with suppress(OSError):
                return os.memfd_create("envconn", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING | flags)
    return None


class _Own:
    """The directory of this process; it is removed when the process that made it ends."""

    def __init__(self) -> None:
        self._path = ""

    def directory(self, base: str | None) -> str:
        """Return the directory if there is one, or make one in `base`.

        Raises:
            OSError: it is gone, or cannot be made.
        """
        if base is None:
            if not _is_ours(self._path):
                raise FileNotFoundError
            return self._path
        import atexit
        from tempfile import mkdtemp

        _sweep(base)
        self._path = mkdtemp(prefix=_PREFIX, dir=base)
        _locked(self._path)
        atexit.register(_remove, self._path, os.getpid())
        return self._path


_own = _Own()


def _remove(path: str, creator: int) -> None:
    if os.getpid() == creator:
        _empty(path)


def _sweep(base: str) -> None:
    """Remove the directories of processes that were killed: those without a lock."""
    if sys.platform == "win32":
        return  # a directory cannot be locked
    for name in os.listdir(base):
        path = os.path.join(base, name)
        if name.startswith(_PREFIX) and _is_ours(path) and os.lstat(path).st_mtime < time.time() - STALE_SECONDS:
            with suppress(OSError):
                descriptor = _locked(path, alone=True)
                _empty(path)
                os.close(descriptor)


def _empty(path: str) -> None:
    """Remove the directory `path` and our files in it, and nothing else."""
    with suppress(OSError):
        for name in os.listdir(path):
            if re.fullmatch(r"[0-9a-f]{32}\.pem(\.[0-9.]+)?", name):
                os.unlink(os.path.join(path, name))
        os.rmdir(path)


def _locked(directory: str, *, alone: bool = False) -> int:
    """Return a descriptor that holds a lock on `directory` until it is closed, or this process and its forks end."""
    if sys.platform == "win32":
        return _CLOSED[0]
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


_inherited: dict[str, int] = {}
"""The descriptors with locks that the program which replaces this process keeps, by directory."""


def _keep_locked(directory: str) -> None:
    """Hold a lock on `directory`, also in the program that replaces this process, with one descriptor."""
    if sys.platform == "win32":
        return
    held = _inherited.get(directory, -1)
    found = os.lstat(directory)
    if _identity(held) != (found.st_dev, found.st_ino):
        _inherited[directory] = held = _locked(directory)
        os.set_inheritable(held, True)  # noqa: FBT003 - it is positional only


def _write(directory: str, pem: str) -> str:
    from hashlib import sha256
    from threading import get_ident

    path = os.path.join(directory, f"{sha256(pem.encode()).hexdigest()[:32]}.pem")
    if not _holds(path, pem):
        partial = f"{path}.{os.getpid()}.{get_ident()}"
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as stream:
                stream.write(pem)
            os.replace(partial, path)
        except OSError:
            with suppress(OSError):
                os.unlink(partial)
            raise
    return path


def _holds(path: str, pem: str) -> bool:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read() == pem
    except (OSError, ValueError):
        return False


def _bases() -> Iterator[str]:
    """Yield the directories to try: the session's, that for temporary files, and shared memory."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isdir(runtime) and _is_ours(runtime) and os.access(runtime, os.W_OK):
        yield runtime  # su and sudo leave another user's directory in the variable
    with suppress(*_FAILURES):
        from tempfile import gettempdir

        yield gettempdir()
    yield SHARED_MEMORY


def _lasting(base: str) -> str:
    from tempfile import mkdtemp

    path = os.path.join(base, f"envconn-{_user()}")
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    if _is_private(path):
        return path
    # The name can be guessed, so another user may have created it in /tmp; then a name that cannot be guessed is used.
    if not _is_ours(_substitutes.get(base, "")):
        _substitutes[base] = mkdtemp(prefix="envconn-", dir=base)
    return _substitutes[base]


_substitutes: dict[str, str] = {}
"""The directories that are used instead, by the one that they are in."""


def _is_ours(path: str) -> bool:
    # Cleaners of temporary files remove old directories, and then any user may create one of that name.
    try:
        return os.lstat(path).st_uid == _user()
    except OSError:
        return False


def _is_private(path: str) -> bool:
    found = os.lstat(path)
    private = sys.platform == "win32" or not found.st_mode & 0o077
    return stat.S_ISDIR(found.st_mode) and found.st_uid == _user() and private


def _user() -> int:
    if sys.platform == "win32":
        return 0  # access lists keep other users out of the directory for temporary files
    return os.getuid()

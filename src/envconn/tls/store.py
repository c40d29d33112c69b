"""Files for CA text, for drivers that take nothing but a path. Imported when the first one is wanted."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
from contextlib import suppress
from functools import cache
from hashlib import sha256
from tempfile import gettempdir, mkdtemp
from threading import get_ident

__all__ = ["kept", "written"]


def written(pem: str) -> str:
    """Return the path of a file that holds `pem`; one for each process and content, for its owner's eyes only.

    The directory goes when the process that made it ends. Forked workers share it and leave it alone.
    """
    if not _is_ours(_directory()):
        _directory.cache_clear()
    return _put(_directory(), pem)


def kept(pem: str) -> str:
    """Return the path of a file that holds `pem` and outlives this process; for its owner's eyes only.

    It is for the program that takes this process's place, and for text that is read later. It lies in
    ``envconn-UID`` below ``XDG_RUNTIME_DIR``, or below the directory for temporary files, and is named
    by its content: who starts the same program a thousand times leaves one file. The system removes it
    with that directory (at the end of the session, at boot, or by age). Without it, nothing connects.

    Raises:
        OSError: there is no directory that it could be written to.
    """
    return _put(_lasting(), pem)


def _put(directory: str, pem: str) -> str:
    path = os.path.join(directory, f"{sha256(pem.encode()).hexdigest()[:32]}.pem")
    if not os.path.exists(path):
        partial = f"{path}.{os.getpid()}.{get_ident()}"
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as stream:
            stream.write(pem)
        os.replace(partial, path)
    return path


def _is_ours(path: str) -> bool:
    # Cleaners of temporary files take old directories away, and then anybody may make one of that name.
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False


@cache
def _directory() -> str:
    path = mkdtemp(prefix="envconn-")
    atexit.register(_remove, path, os.getpid())
    return path


def _remove(path: str, creator: int) -> None:
    if os.getpid() == creator:
        shutil.rmtree(path, ignore_errors=True)


def _lasting() -> str:
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if not (os.path.isdir(base) and _is_ours(base) and os.access(base, os.W_OK)):
        # su and sudo leave the directory of somebody else in the variable.
        base = gettempdir()
    path = os.path.join(base, f"envconn-{os.getuid()}")
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    # The name can be guessed, so that in /tmp somebody may have been faster; then one that cannot.
    return path if _is_private(path) else mkdtemp(prefix="envconn-", dir=base)


def _is_private(path: str) -> bool:
    found = os.lstat(path)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077

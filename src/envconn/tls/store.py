"""Files for CA text, for drivers that take nothing but a path. Imported when the first one is wanted."""

from __future__ import annotations

import atexit
import os
import shutil
from functools import cache
from hashlib import sha256
from tempfile import mkdtemp
from threading import get_ident

__all__ = ["written"]


def written(pem: str) -> str:
    """Return the path of a file that holds `pem`; one for each process and content, for its owner's eyes only.

    The directory goes when the process that made it ends. Forked workers share it and leave it alone.
    """
    if not _is_ours(_directory()):
        _directory.cache_clear()
    path = os.path.join(_directory(), f"{sha256(pem.encode()).hexdigest()[:32]}.pem")
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

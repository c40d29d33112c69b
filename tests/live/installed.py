"""Find the servers that are no Python packages: on PATH, or where tests/run has unpacked them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.binaries import Account

__all__ = ["Installations", "ServerMissing"]


class ServerMissing(RuntimeError):
    """The server is neither on PATH nor unpacked; the text says what would unpack it."""


@dataclass(frozen=True)
class Installations:
    """Looks below `place`, and copies what `account` cannot use there into `scrap`, where it can."""

    place: Path
    account: Account
    scrap: Path

    def command(self, name: str) -> tuple[str, ...]:
        """Return the words that start `name`.

        Raises:
            ServerMissing: it is not here.
        """
        for folder in (*os.get_exec_path(), "/usr/sbin", "/sbin"):
            if os.access(os.path.join(folder, name), os.X_OK):
                return (os.path.join(folder, name),)
        tree = self.tree(name)
        libraries = ":".join(str(path) for path in tree.glob("usr/lib/*-linux-gnu*"))
        return ("env", f"LD_LIBRARY_PATH={libraries}", _program(tree, name))

    def newer(self, name: str) -> tuple[str, ...]:
        """Return the words that start the newer release of `name`, on the C library that came with it.

        Raises:
            ServerMissing: it is not here.
        """
        tree = self.tree(f"{name}-newer")
        loader = next(path for path in tree.glob("usr/lib*/ld-linux*.so.*"))
        libraries = ":".join(str(path) for path in tree.glob("usr/lib/*-linux-gnu*"))
        return (str(loader), "--library-path", libraries, _program(tree, name))

    def tree(self, folder: str) -> Path:
        """Return the root of what was unpacked as `folder`, where the account can use it.

        Raises:
            ServerMissing: it was not.
        """
        original, copy = self.place / folder, self.scrap / folder
        if not (original / "packages").is_file():
            raise ServerMissing(f"{folder} is not here; tests/run unpacks it where there is apt-get")
        if self._usable(original):
            return original
        if not copy.exists():
            shutil.copytree(original, copy, symlinks=True)
        return copy

    def _usable(self, tree: Path) -> bool:
        if not _PLAIN.fullmatch(str(tree)):
            return False  # RabbitMQ's scripts split their own path at blanks
        try:
            self.account.run(["test", "-r", str(tree / "packages")], seconds=20)
        except subprocess.CalledProcessError:
            return False
        return True


_PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")


def _program(tree: Path, name: str) -> str:
    return str(next(path for path in tree.glob(f"usr/*bin/{name}")))

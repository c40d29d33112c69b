"""The wheel, built from the sdist, installed where no source of it is left."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jobs import Jobs

BUILD = (sys.executable, "-m", "build", "--no-isolation")
# The packages that the wheel needs are lent by the environment of the tests, whose own .pth files, and with them the
# editable install of the checkout, are not read that way. One of them is asked for: it measures what a test starts.
LENT = Path(sysconfig.get_path("purelib"))
# With whichever pip there is: examples/bootstrap.sh knows.
INSTALL = """
root=$1 _base=$2 python=$3
. "$root/examples/bootstrap.sh"
choose_cache
choose_pip
pip install --no-deps --no-index "$4"
"""
PROOF = "import envconn, sys; assert envconn.__file__.startswith(sys.prefix), envconn.__file__"


class Installed(NamedTuple):
    """An interpreter that has envconn, and the directory with the tests for it."""

    python: str
    directory: Path


def install(jobs: Jobs, root: Path, work: Path) -> Installed:
    """Build below `work`, which is empty, and return an environment of its own, and the sdist without its sources."""
    scrap = {"TMPDIR": str(work)}
    jobs.run("building the sdist", [*BUILD, "--sdist", "--outdir", str(work), str(root)], scrap)
    (sdist,) = work.glob("envconn-*.tar.gz")
    with tarfile.open(sdist) as packed:
        packed.extractall(work, filter="data")
    place = work / sdist.name.removesuffix(".tar.gz")
    jobs.run("building the wheel", [*BUILD, "--wheel", "--outdir", str(work), str(place)], scrap)
    for sources in ("src", "integrations"):
        shutil.rmtree(place / sources)
    (wheel,) = work.glob("envconn-*.whl")
    return Installed(environment(jobs, root, work / "fresh", wheel), place)


def environment(jobs: Jobs, root: Path, fresh: Path, wheel: Path) -> str:
    """Make an environment that owns the wheel alone, and return its interpreter."""
    python = str(fresh / "bin" / "python")
    jobs.run("making an environment for the wheel", [sys.executable, "-m", "venv", "--without-pip", str(fresh)])
    (site,) = fresh.glob("lib/python*/site-packages")
    lent = f"{LENT}\n{(LENT / 'a1_coverage.pth').read_text(encoding='utf-8')}"
    (site / "lent.pth").write_text(lent, encoding="utf-8")
    base = getattr(sys, "_base_executable", sys.executable)
    jobs.run("installing the wheel", ["sh", "-c", INSTALL, "sh", str(root), base, python, str(wheel)])
    jobs.run("importing it", [python, "-P", "-c", PROOF])
    return python

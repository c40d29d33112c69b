"""The environment of tests/applications: the programs that are deployed there, and the source of Django with its tests.

It is apart from the tests' own, because such programs say themselves which Django they want.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs import Jobs

# Where pip builds a package, what it builds with is what is pinned and installed already.
ENVIRONMENT = r"""
set -eu
root=$1 pinned=$1/tests/applications
. "$root/examples/bootstrap.sh"
. "$root/tests/uv.sh"
bootstrap applications "$pinned/requirements.txt"
add_sources() {
    mkdir -p "$environment/source"
    choose_pip
    pip download --no-deps --no-binary :all: --no-build-isolation --require-hashes --dest "$environment/source" \
        -r "$pinned/sources.txt"
    pip install --no-deps --no-build-isolation --no-index "$environment"/source/django_haystack-*.tar.gz
    tar -xzf "$environment"/source/django-[0-9]*.tar.gz -C "$environment/source" --strip-components 1
}
_once "$environment/sources" "$(cat "$pinned"/*.txt | cksum)" add_sources
echo "$environment"
"""


def install(jobs: Jobs, root: Path, place: Path) -> None:
    """Install the programs once where ENVCONN_TEST_APPLICATIONS=1 asks for them; `place`/applications leads to them."""
    if os.environ.get("ENVCONN_TEST_APPLICATIONS") != "1":
        return
    what = "environment of the applications"
    environment = jobs.run(what, ["sh", "-c", ENVIRONMENT, "sh", str(root)])[-1]
    link = place / "applications"
    if not link.is_symlink() or link.readlink() != Path(environment):
        place.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(environment)

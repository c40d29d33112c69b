"""The oldest and newest versions that are supported, each corner with the interpreter that it is about."""

from __future__ import annotations

import glob
import os
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from debian import newest_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs import Jobs

# By the name of the file with their packages in tests/corners: the first of these Pythons that is on this machine.
CORNERS = {"oldest": ("3.11", "3.12"), "middle": ("3.12", "3.13"), "newest": ("3.15", "3.14", "3.13", "3.12")}
SECONDS = 600
ENVIRONMENT = """
set -eu
root=$1
. "$root/examples/bootstrap.sh"
. "$root/tests/uv.sh"
bootstrap "corner-$2" "$root/tests/corners/$2.txt"
echo "$python"
"""
VERSIONS = """
import platform
from importlib.metadata import version
names = "django", "sqlalchemy", "celery", "psycopg", "psycopg2-binary", "asyncpg", "redis", "pydantic-settings"
print("Python", platform.python_version(), *(f"{name} {version(name)}" for name in names))
"""


class Selection(NamedTuple):
    """What pytest is given: modules or tests by name, so that one that is renamed is missed, and what is left out.

    What is left out is said in the negative: a parameter that is renamed makes the selection longer.
    """

    tests: tuple[str, ...]
    where: str


def modules(folder: str, names: str) -> tuple[str, ...]:
    """Return the paths of test modules."""
    return tuple(f"tests/{folder}/test_{name}.py" for name in names.split())


# What differs from version to version. The rest is the same in all of them.
EVERYTHING = Selection(
    modules(
        "core",
        "ca dotenv drivers drivers_celery drivers_django drivers_redis drivers_redis_client drivers_sqlalchemy judge "
        "libpq libpq_keywords local_hosts login passwords rotation secured services settings settings_and_load "
        "settings_documents settings_errors settings_field settings_layers settings_parts settings_use sources uri",
    )
    + modules(
        "integrations",
        "asyncpg celery celery_matrix celery_traps celery_worker django django_caches django_checks django_pooler "
        "flask flask_config psycopg redis sentinel sentinel_worker sqlalchemy",
    )
    + modules(
        "live",
        "celery_settings django_rotation login_drivers login_postgresql login_redis login_silence matrix_stacks pins "
        "pooler rotating rotation_load",
    ),
    "not (without_a_pooler or tracks or newer or afterwards or deployed or unencrypted or printable or rabbitmq)"
    " and (not matrix_stacks or (verify-full and (good or wronghost or notls)))",
)
# Each integration, connecting to the right server and to the wrong one: what .ci/run has time for.
SHORT = Selection(
    modules("core", "libpq_keywords settings settings_errors settings_field settings_use")
    + modules("integrations", "asyncpg")
    + (
        "tests/live/test_matrix.py::test_what_is_promised_is_what_happens",
        "tests/live/test_matrix_stacks.py::test_what_is_promised_is_what_happens",
        "tests/live/test_celery_settings.py::test_cell",
        "tests/integrations/test_celery_matrix.py::test_redis",
        "tests/integrations/test_sentinel.py::test_each_leg",
        "tests/integrations/test_sentinel.py::test_what_is_checked_how_often",
        "tests/integrations/test_celery_worker.py::test_results_in_postgresql",
        "tests/integrations/test_celery_worker.py::test_refuses_the_broker",
        "tests/integrations/test_django_caches.py::test_which_ca_it_trusts",
        "tests/integrations/test_django_project.py::test_migrate_and_query_over_tls",
        "tests/integrations/test_django_project.py::test_migrate_is_refused_on_psycopg2",
        "tests/integrations/test_django_project.py::test_parallel_tests_with_rotation",
        "tests/integrations/test_flask.py::test_a_request_is_served",
        "tests/live/test_redis_libraries.py::test_the_right_ca",
        "tests/live/test_redis_libraries.py::test_every_other_server",
    ),
    "not (expired or unknownca or intermediate or both or notls or fake or plain)"
    " and not (test_matrix and allow) and not (matrix_stacks and (require or verify-ca))"
    " and not (celery_settings and (before or failover or redis or mongodb or rpc or postgresql or options or ssl"
    " or kombu))"
    " and not (parallel_tests and spawn)"
    " and not (test_redis and (query1 or query2 or query3 or query4 or query5 or query6))",
)


class Outcome(NamedTuple):
    """What came of a corner: whether it is good, and a line that says more."""

    good: bool
    line: str


def run_corner(jobs: Jobs, root: Path, servers: Path, results: Path, name: str, selection: Selection) -> Outcome:
    """Install a corner where it is not yet, run its tests, and leave their figures in the directory `results`.

    Where this machine has no interpreter for it, that is said. It is a failure where all is required.
    """
    base = next((path for path in interpreters(jobs, servers, CORNERS[name]) if runs(path)), None)
    if base is None:
        line = f"{name}: not tried, for there is no Python {', nor '.join(CORNERS[name])} here"
        return Outcome(good=os.environ.get("ENVCONN_TEST_REQUIRE_ALL") != "1", line=line)
    install = ["sh", "-c", ENVIRONMENT, "sh", str(root), name]
    python = jobs.run(f"environment of the {name} corner", install, {"PYTHON": base})[-1]
    chosen = ("-m", "not checkout", "-k", selection.where, *selection.tests)
    kept = ("-p", "no:cacheprovider", f"--junit-xml={results}/corner-{name}.xml")
    began = time.monotonic()
    job = jobs.start(name, [python, "-m", "pytest", "--at-once", "--no-header", *kept, *chosen], directory=root)
    code = jobs.wait(job, SECONDS)
    (versions,) = jobs.run(f"versions of the {name} corner", [python, "-c", VERSIONS])
    end = f"FAILED with {code}" if code else "good"
    return Outcome(not code, f"{name}: {end} after {time.monotonic() - began:.0f} s; {versions}")


def interpreters(jobs: Jobs, servers: Path, versions: tuple[str, ...]) -> Iterator[str]:
    """Yield where these versions may be: on PATH, where pyenv keeps them, or unpacked from a Debian package."""
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for version in versions:
        for folder in (*os.get_exec_path(), *glob.glob(f"{pyenv}/versions/{version}.*/bin")):
            yield os.path.join(folder, f"python{version}")
        if version == "3.15":
            yield str(newest_python(jobs, servers))


def runs(python: str) -> bool:
    """Whether it is there, can make an environment, and has what the tests import."""
    command = [python, "-c", "import venv, zlib, ssl, sqlite3"]
    return os.path.exists(python) and subprocess.run(command, check=False, capture_output=True).returncode == 0

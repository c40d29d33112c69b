"""What people can import, and what an import costs them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

import envconn
from envconn.export import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

URL = "postgresql://app:marker-password@db.envconn.test/app?sslmode=verify-full"
HEAVY = {
    *("asyncpg", "celery", "django", "dotenv", "flask", "psycopg", "psycopg2", "pydantic", "redis", "sqlalchemy"),
    *("cryptography", "httpx", "pytest", "trustme"),
}


def loaded(statement: str, *, url: str = URL) -> set[str]:
    """Run `statement` in a process of its own and return which of the heavy modules it has loaded."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"DATABASE_URL": url}, check=False, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


def test_all_is_what_can_be_imported() -> None:
    assert sorted(set(envconn.__all__)) == sorted(envconn.__all__)
    for name in envconn.__all__:
        assert getattr(envconn, name) is not None
    assert set(dir(envconn)) == set(envconn.__all__)


def test_all_is_what_type_checkers_see() -> None:
    namespace: dict[str, object] = {}
    exec("from envconn import *", namespace)  # noqa: S102 - the statement itself is under test
    assert namespace.keys() - {"__builtins__"} == set(envconn.__all__)


@pytest.mark.parametrize("module", ["envconn", "envconn.providers", "envconn.rotation", "envconn.tls"])
def test_names_that_do_not_exist(module: str) -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        importlib.import_module(module).nothing_of_this_name  # noqa: B018


def test_the_name_promised_in_the_design() -> None:
    promised = {"load", "parse", "prove", "secure", "Policy", "SecuredConnection", "Services", "Settings", "TlsLevel"}
    assert promised <= set(envconn.__all__)


@pytest.mark.parametrize(
    "module",
    [
        *("envconn_asyncpg", "envconn_celery", "envconn_django", "envconn_flask", "envconn_psycopg"),
        *("envconn_redis", "envconn_sqlalchemy", "envconn_pytest"),
        *("envconn.providers", "envconn.rotation", "envconn.tls"),
    ],
)
def test_all_of_the_other_packages(module: str) -> None:
    imported = importlib.import_module(module)
    for name in imported.__all__:
        assert getattr(imported, name) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "import envconn",
        "import envconn.cli",
        "import envconn_celery",
        "import envconn_django",
        "import envconn_flask",
        "import envconn_psycopg",
        "import envconn_redis",
        "import envconn; envconn.load()",
        "import envconn; envconn.load().report()",
        "import envconn; envconn.load().reload()",
        "import envconn; from envconn.rotation import login; login(envconn.load(), id)",
        "import envconn; envconn.load(passwords={'database': str})",
        "import envconn; envconn.load().database.uri()",
        *(
            f"import envconn, envconn.export; envconn.export.render(envconn.load().database, {name!r})"
            for name in FORMATS
        ),
        "import envconn.cli.exec; import envconn.cli.export",
    ],
)
def test_light(certificates: Certificates, statement: str) -> None:
    assert loaded(statement, url=f"{URL}&sslrootcert={certificates.ca}") == set()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_kwargs_load_their_driver_alone(certificates: Certificates, driver: str) -> None:
    statement = f"import envconn_psycopg; envconn_psycopg.kwargs(driver={driver!r})"
    assert loaded(statement, url=f"{URL}&sslrootcert={certificates.ca}") <= {driver}


def test_dotenv_where_there_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("UNRELATED=1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert loaded("import envconn; envconn.load()", url=URL.replace("verify-full", "require")) == {"dotenv"}


def test_helpers_make_certificates_when_they_are_asked_to() -> None:
    assert loaded("import envconn_pytest; envconn_pytest.sample('scalingo')") == {"pytest"}
    assert loaded("import envconn_pytest\nwith envconn_pytest.stand_in('good'): pass") >= {"trustme", "cryptography"}


def test_pytest_loads_nothing_by_itself() -> None:
    assert [point for point in metadata.entry_points(group="pytest11") if point.value.startswith("envconn")] == []


def test_settings_are_what_loads_pydantic() -> None:
    # pydantic-settings brings dotenv for its own reading of files.
    assert loaded("import envconn; envconn.Settings") == {"pydantic", "dotenv"}

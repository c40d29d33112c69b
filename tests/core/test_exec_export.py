"""``envconn exec --export pg --unset``: the environment that the command finds, name by name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

import envconn
from called import called
from envconn.export import environment
from leaks import MARKER

if TYPE_CHECKING:
    from pathlib import Path

    from throwaway.certificates import Certificates

PG = f"postgresql://app:{MARKER}@db.example/app"
NEON = f"postgresql://app:{MARKER}@ep-a-b-123456-pooler.eu-central-1.aws.neon.tech/d?sslmode=require"
EXEC = (sys.executable, "-m", "envconn", "exec")
PRINT = ("--", "env", "-0")

BEHIND_THE_BACK = {
    "PGHOST": "elsewhere.example",
    "PGHOSTADDR": "127.0.0.9",
    "PGSERVICEFILE": "/nowhere",
    "PGSYSCONFDIR": "/nowhere",
    "PGSSLMODE": "disable",
    "PGREQUIRESSL": "0",
    "PGSSLCERT": "/nowhere",
    "PGREQUIREAUTH": "none,password,md5,gss,sspi,scram-sha-256,oauth",
    "PGOPTIONS": "-c a=b",
    "PGSSLCRLDIR": "/nowhere",
    "PGOAUTHDEBUG": "UNSAFE",
    "PGPASSWORD": "anothers",
}
HARMLESS = {"PGAPPNAME": "a", "PGCONNECT_TIMEOUT": "3", "PGTZ": "UTC", "PGDATESTYLE": "ISO", "OTHER": "1"}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*EXEC, *arguments],
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr
    assert MARKER not in done.stderr
    return done


def seen(*arguments: str, **variables: str) -> dict[str, str]:
    """Return the environment that the command finds, without what this machine needs."""
    done = run(*arguments, *PRINT, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    found = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    return {name: value for name, value in found.items() if name not in os.environ}


def due(url: str = PG) -> dict[str, str]:
    return dict(environment(envconn.load({"DATABASE_URL": url}, env_file=None).database).values)


@pytest.mark.measured
def test_export() -> None:
    assert seen("--export", "pg", DATABASE_URL=PG) == {"DATABASE_URL": PG, **due()}


@pytest.mark.parametrize("query", ["", "?sslmode=verify-full&sslrootcert={ca}"])
@pytest.mark.parametrize("unset", [(), ("--unset",)])
def test_check_accepts_it(query: str, unset: tuple[str, ...], certificates: Certificates) -> None:
    """What is exported means the same to envconn, which would take a path that cannot exist for a mistake."""
    url = PG + query.format(ca=certificates.ca)
    check = ("--", sys.executable, "-m", "envconn", "check")
    done = run("--export", "pg", *unset, *check, DATABASE_URL=url)
    assert done.returncode == 0, done
    assert f"[{'verify-full' if query else 'encrypted'}]" in done.stdout
    assert re.findall("(?m)^note ([A-Z]+)", done.stdout) == ["PGSSLMODE"], "which is a part of the policy"


def test_check_notes_what_was_changed_since() -> None:
    changed = "PGHOST=x PGSSLSNI=0 PGSSLCRL=/dev/null/x PGCHANNELBINDING=require"
    done = run("--export", "pg", "--", "sh", "-c", f"{changed} {sys.executable} -m envconn check", DATABASE_URL=PG)
    assert {*re.findall("(?m)^note ([A-Z]+)", done.stdout)} == {"PGSSLMODE", *re.findall("([A-Z]+)=", changed)}


def test_nothing_behind_its_back_is_left() -> None:
    found = seen("--export", "pg", "--unset", **BEHIND_THE_BACK, **HARMLESS, DATABASE_URL=PG)
    assert found == {**due(), **HARMLESS}


def test_only_what_is_requested() -> None:
    found = seen(**BEHIND_THE_BACK, DATABASE_URL=PG)
    assert found == {**BEHIND_THE_BACK, "DATABASE_URL": PG}


def test_passwords_that_libpq_finds_by_itself_are_left_to_it() -> None:
    found = seen(
        "--export", "pg", "--unset", DATABASE_URL="postgresql://app@db.example/app", PGPASSWORD="p", PGPASSFILE="f"
    )
    assert (found["PGPASSWORD"], found["PGPASSFILE"]) == ("p", "f")
    assert seen("--export", "pg", DATABASE_URL=PG, PGPASSWORD="p")["PGPASSWORD"] == MARKER


@pytest.mark.measured
def test_service_and_endpoint() -> None:
    variables = {"DATABASE_URL": NEON, "SHOP_DATABASE_URL": f"{PG}2"}
    host = "ep-a-b-123456{}.eu-central-1.aws.neon.tech"
    assert seen("--export", "pg", **variables)["PGHOST"] == host.format("-pooler")
    assert seen("--export", "pg", "--direct", **variables)["PGHOST"] == host.format("")
    assert seen("--export", "pg", "--service", "shop", **variables)["PGDATABASE"] == "app2"


@pytest.mark.measured
def test_newer_libpq() -> None:
    stated = f"{PG}?require_auth=scram-sha-256"
    done = run("--export", "pg", *PRINT, DATABASE_URL=stated)
    assert (done.returncode, done.stdout) == (78, "")
    assert "error DATABASE_URL: require_auth requires libpq 16 or newer. Pass --libpq 16, or remove it" in done.stderr
    assert seen("--export", "pg", "--libpq", "16", DATABASE_URL=stated)["PGREQUIREAUTH"] == "scram-sha-256"


@pytest.mark.parametrize(
    ("variable", "value", "major"),
    [("PGREQUIREAUTH", "scram-sha-256", "16"), ("PGREQUIREAUTH", "!none", "16"), ("PGSSLCERTMODE", "require", "16")],
)
@pytest.mark.parametrize("given", [{"DATABASE_URL": PG}, {"PGHOST": "db.example", "PGUSER": "u", "PGDATABASE": "d"}])
def test_newer_libpq_for_a_variable(given: dict[str, str], variable: str, value: str, major: str) -> None:
    done = run("--export", "pg", *PRINT, **given, **{variable: value})
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith(f"error {variable}: ")
    assert f"Pass --libpq {major}, or remove it [export-unsupported]" in done.stderr
    assert seen("--export", "pg", "--libpq", major, **given, **{variable: value})[variable] == value
    assert variable not in seen("--export", "pg", **given) or variable == "PGSSLCERTMODE"


@pytest.mark.parametrize("service", ["shop", "", " "])
@pytest.mark.parametrize("arguments", [("--export", "pg"), ("--export", "pg", "--unset")])
def test_a_service_file_is_forgotten(arguments: tuple[str, ...], service: str) -> None:
    found = seen(*arguments, DATABASE_URL=PG, PGSERVICE=service, PGSERVICEFILE="/nowhere")
    assert not {"PGSERVICE", "PGSERVICEFILE"} & found.keys()


@pytest.mark.parametrize("arguments", [(), ("--unset",)])
def test_a_service_file_is_refused_where_it_would_stay(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, *PRINT, DATABASE_URL=PG, PGSERVICE="shop")
    assert (done.returncode, done.stdout) == (78, "")
    assert "error PGSERVICE: " in done.stderr


def test_ca_text_is_a_file_that_is_still_there(certificates: Certificates, tmp_path: Path) -> None:
    pem = certificates.ca.read_text("ascii")
    variables = {"DATABASE_URL": f"{PG}?sslmode=verify-full", "DATABASE_CA_CERT": pem, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = run(
        "--export", "pg", "--", "sh", "-c", 'stat -c "%a %n" "$PGSSLROOTCERT"; cat "$PGSSLROOTCERT"', **variables
    )
    listing, *lines = done.stdout.splitlines()
    assert listing.startswith(f"600 {tmp_path}/envconn-")
    assert lines == pem.splitlines()
    assert run("--export", "pg", *PRINT, **variables).returncode == 0
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1, "started again, it leaves nothing more"


def test_dotenv_is_for_reading(tmp_path: Path) -> None:
    (path := tmp_path / "env").write_text(f"DATABASE_URL={PG}\n", encoding="utf-8")
    assert seen("--env-file", str(path), "--export", "pg") == due()


VCAP = json.dumps({"p": [{"name": "shop", "credentials": {"uri": PG}}]}).replace("{", "{{").replace("}", "}}")
RELATIONSHIP = {"SHOP_HOST": "db.example", "SHOP_SCHEME": "pgsql", "SHOP_USERNAME": "a", "SHOP_PATH": "d"}
ENDPOINT = {name.partition("_")[2].lower(): value for name, value in RELATIONSHIP.items()}
RELATED = b64encode(json.dumps({"shop": [ENDPOINT]}).encode()).decode()


def unset(tmp_path: Path, **variables: str) -> set[str]:
    """Return the names that are gone of those that were set."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "database_url").write_text(PG, encoding="utf-8")
    (tmp_path / "url").write_text(PG, encoding="utf-8")
    given = {name: value.format(directory=tmp_path) for name, value in variables.items()}
    return given.keys() - seen("--unset", **given).keys()


@pytest.mark.measured
@pytest.mark.parametrize(
    ("gone", "kept"),
    [
        ({"DATABASE_URL": PG}, {"ENVCONN_TLS": "require", "ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"}),
        ({"DATABASE_URL_FILE": "{directory}/url"}, {"OTHER_FILE": "{directory}/url"}),
        ({"DATABASE_URL": PG, "DATABASE_URL_FILE": "{directory}/url"}, {}),
        ({"DATABASE_URL": "$MY_DB", "MY_DB": "${{DEEPER}}", "DEEPER": PG}, {"DEEP": "x"}),
        ({"DATABASE_URL": "$MY_DB", "MY_DB_FILE": "{directory}/url"}, {"MY": "$MY_DB"}),
        # Two that say the same; the one that is not used has the password, too.
        ({"DATABASE_URL": PG, "SCALINGO_POSTGRESQL_URL": PG}, {}),
        ({"DATABASE_URL": "$MY_DB", "MY_DB": PG, "SCALINGO_POSTGRESQL_URL": PG}, {}),
        ({"DATABASE_URL": f"{PG}?sslmode=require", "POSTGRES_URL": PG}, {}),
        ({"DATABASE_URL": PG, "POSTGRES_URL": f"{PG}x"}, {"ENVCONN_DATABASE_VARIABLE": "DATABASE_URL"}),
        ({"DATABASE_URL": NEON, "DIRECT_URL": NEON.replace("-pooler", "")}, {}),
        ({"DATABASE_URL": PG, "DATABASE_REPLICA_URLS": f"{PG}?hostaddr=10.0.0.1"}, {}),
        ({"SHOP_DATABASE_URL": PG, "SHOP_DIRECT_URL": f"{PG}x"}, {"SHOP_URL": "http://shop.example"}),
        ({"REDIS_URL": "redis://127.0.0.1/0", "AMQP_URL": "amqp://a:b@127.0.0.1/v"}, {"URL": "x"}),
        ({"REDIS_URL": "redis://127.0.0.1:1/0", "REDIS_TLS_URL": "rediss://:p@r.example/0"}, {}),
        (
            {"PGHOST": "db.example", "PGUSER": "app", "PGPASSWORD": "$SECRET", "PGDATABASE": "d", "SECRET": MARKER},
            {"PGTZ": "UTC"},
        ),
        (
            {"DB_HOST": "db.example", "DB_USER": "app", "DB_PASSWORD_FILE": "{directory}/url", "DB_NAME": "d"},
            {"DB_POOL": "x"},
        ),
        # What platforms have bound, with everything else that they tell in the same place.
        ({"VCAP_SERVICES": VCAP}, {"VCAP_APPLICATION": "{{}}"}),
        ({"VCAP_SERVICES": VCAP, "DATABASE_URL": PG}, {}),
        ({"PLATFORM_RELATIONSHIPS": RELATED, **RELATIONSHIP}, {"PLATFORM_PROJECT": "p", "SHOP_URL": "x"}),
        (RELATIONSHIP, {"PLATFORM_PROJECT": "p", "SHOP_X": "x"}),
        ({"POSTGRESQLCONNSTR_shop": PG}, {"SQLCONNSTR_old": "x"}),
        ({"CUSTOMCONNSTR_DATABASE_URL": PG}, {"CUSTOMCONNSTR_SMTP": "x"}),
        ({}, {"ENVCONN_SECRETS_DIR": "{directory}/secrets"}),
    ],
)
def test_unset(tmp_path: Path, gone: dict[str, str], kept: dict[str, str]) -> None:
    assert unset(tmp_path, **gone, **kept) == gone.keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--export", "odbc"], "--export: must be pg"),
        (["--export", MARKER], "--export: must be pg"),
        (["--export", ""], "--export: must be pg"),
        *(
            (wish, "--service and --libpq need --export pg")
            for wish in (["--service", "x"], ["--libpq", "15"], ["--direct", "--service", "database"])
        ),
        (["--export", "pg", "--service", MARKER], "--service: not found. Use one of database"),
    ],
)
def test_usage(arguments: list[str], message: str) -> None:
    done = called("exec", *arguments, *PRINT, DATABASE_URL=PG)
    assert (done.returncode, done.stdout, done.stderr) == (64, "", f"envconn exec: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "url", "code"),
    [
        (["--export", "pg"], "mysql://a:b@db.example/d", "export-unsupported"),
        (["--export", "pg"], f"{PG}?replication=1", "export-unsupported"),
        (["--export", "pg", "--replica"], PG, "endpoint-unavailable"),
        (["--export", "pg"], f"{PG}?sslmode=disable", "tls-disabled"),
    ],
)
def test_nothing_is_started(tmp_path: Path, arguments: list[str], url: str, code: str) -> None:
    done = run(*arguments, "--", "touch", str(tmp_path / "started"), DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith("error DATABASE_URL: ")
    assert done.stderr.endswith(f"[{code}]\n")
    assert not (tmp_path / "started").exists()

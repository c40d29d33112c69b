"""A marker password through every failure there is: nothing that people or tools look at shows a piece of it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

import envconn
import envconn_psycopg
from codes import CORE, in_problems
from documents import understood
from envconn.cli import main
from envconn.selection import select_services
from envconn.services import database
from leaks import MARKERS, failure_surfaces, find, value_surfaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST = "db.example.com"
SCALINGO = "abc-123.postgresql.osc-fr1.scalingo-dbs.com"
PLANETSCALE = "aws-eu-west-1-1.pg.psdb.cloud"
NEON = "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech"


@dataclass(frozen=True)
class Case:
    """An environment that ends in the problem `code`. ``{p}`` is the marker, encoded, and ``{raw}`` as it is."""

    code: str
    environ: dict[str, str] = field(default_factory=dict)
    files: dict[str, str | bytes] = field(default_factory=dict)
    prepare: Callable[[], object] | None = None


def url(code: str, text: str, **environ: str) -> Case:
    return Case(code, {"DATABASE_URL": text, **environ})


def query(code: str, parameters: str, host: str = HOST, **environ: str) -> Case:
    return url(code, f"postgresql://app:{{p}}@{host}/app?{parameters}", **environ)


GOOD = f"postgresql://app:{{p}}@{HOST}/app"
WORDS = f"host={HOST} user=app dbname=app password='{{raw}}'"

SECRETS = {"ENVCONN_SECRETS_DIR": "held"}
BINDINGS = {"SERVICE_BINDING_ROOT": "held"}

RDS = "shop.abcdefghijkl.eu-west-1.rds.amazonaws.com"
PARTS = {"DB_HOST": HOST, "DB_USER": "app", "DB_NAME": "app", "DB_PASSWORD": "{raw}"}

CASES = [
    # sources
    url("alias-cycle", "$OTHER", OTHER="$DATABASE_URL", DIRECT_URL=GOOD),
    url("alias-missing", "${OTHER}", DIRECT_URL=GOOD),
    Case("file-missing", {"DATABASE_URL_FILE": "{raw}"}),
    Case("file-is-url", {"DATABASE_URL_FILE": GOOD}),
    Case("file-unreadable", {"DATABASE_URL_FILE": "{raw}" * 1000}),
    Case("file-conflict", {"DATABASE_URL": GOOD, "DATABASE_URL_FILE": "held"}, {"held": GOOD + "2"}),
    Case("file-empty", {"DATABASE_URL_FILE": "held", "DIRECT_URL": GOOD}, {"held": "\n"}),
    Case("file-directory", {"DATABASE_URL_FILE": ".", "DIRECT_URL": GOOD}),
    Case("file-special", {"DATABASE_URL_FILE": "pipe", "DIRECT_URL": GOOD}, prepare=lambda: os.mkfifo("pipe")),
    Case("file-too-large", {"DATABASE_URL_FILE": "held"}, {"held": GOOD * 3000}),
    Case("file-binary", {"DATABASE_URL_FILE": "held"}, {"held": b"\xff" + GOOD.encode()}),
    Case("file-binary", {}, {".env": f"DATABASE_URL={GOOD}\nNAME=".encode() + b"\xff\n"}),
    Case("dotenv-syntax", {}, {".env": f'DATABASE_URL={GOOD}\nA B "{GOOD}\n'}),
    Case("directory-missing", {"ENVCONN_SECRETS_DIR": "{raw}"}),
    Case("directory-unreadable", {"SERVICE_BINDING_ROOT": "{raw}" * 1000}),
    Case("file-ambiguous", SECRETS, {"held/database_url": GOOD, "held/DATABASE_URL": GOOD + "2"}),
    Case("file-binary", SECRETS, {"held/DATABASE_URL": b"\xff" + GOOD.encode()}),
    Case("tls-disabled", {"CREDENTIALS_DIRECTORY": "held"}, {"held/database_url": GOOD + "?sslmode=disable"}),
    Case("parts-contradict", BINDINGS, {"held/a/type": "mysql", "held/a/uri": GOOD, "held/a/password": "{raw}2"}),
    Case("file-too-large", BINDINGS, {"held/a/type": "mysql", "held/a/password": "{raw}" * 10_000}),
    Case("file-empty", BINDINGS, {"held/a/type": "", "held/a/uri": GOOD}),
    Case("binding-ambiguous", {"POSTGRESQLCONNSTR_A": GOOD, "POSTGRESQLCONNSTR_B": GOOD + "2"}),
    url("variable-conflict", GOOD, POSTGRESQLCONNSTR_A=f"{GOOD}2"),
    url("json-invalid", '{"password": "{p}"'),
    Case("json-invalid", {"VCAP_SERVICES": '{"{p}": {"uri": "{p}"}}'}),
    url("json-duplicate", '{"password": "{p}", "password": "{p}2", "{p}": 1, "{p}": 2}'),
    url("json-too-large", '{"password": "' + "{p}" * 9000 + '"}'),
    url("part-invalid", f'{{"host": "{HOST}", "password": ["{{p}}"]}}'),
    url("parts-contradict", f'{{"uri": "{GOOD}", "password": "{{p}}2", "host": "{{p}}"}}'),
    Case("base64-invalid", {"PLATFORM_RELATIONSHIPS": "{raw}"}),
    Case("tls-disabled", {}, {".env": f"DATABASE_URL={GOOD}?sslmode=disable\n"}),
    # which variable
    Case("database-missing", {"database_url": GOOD, "PASSWORD": "{raw}"}),
    url("chosen-variable-missing", GOOD, ENVCONN_DATABASE_VARIABLE="{raw}"),
    url("variable-conflict", GOOD, SCALINGO_POSTGRESQL_URL=f"postgresql://app:{{p}}@other.{HOST}/app"),
    url("variable-conflict", GOOD, POSTGRESQL_URL=f"postgresql://app:{{p}}2@{HOST}/app"),
    url("endpoint-unknown", GOOD, ENVCONN_ENDPOINT="{raw}"),
    url("service-duplicate", GOOD, DATABASE_DATABASE_URL=GOOD),
    Case(
        "envconn-variable-ambiguous",
        {"A_B_DATABASE_URL": GOOD, "POSTGRESQLCONNSTR_a-b": GOOD + "2", "ENVCONN_A_B_TLS_WAIVE": "{raw}"},
    ),
    url("kind-unexpected", f"rediss://:{{p}}@{HOST}/0"),
    Case("results-unsupported", {"ENVCONN_RESULTS_VARIABLE": "X", "X": f"mongodb://app:{{p}}@{HOST}"}),
    # the text before any grammar
    Case("text-empty", {"A_DATABASE_URL_FILE": "held", "B_DATABASE_URL": GOOD}, {"held": "\ufeff"}),
    url("text-quoted", f"'{GOOD}'"),
    url("ca-inline", f"postgresql://app:{{p}}@{HOST}/app?sslrootcert=-----BEGIN {{p}}"),
    url("reference-unresolved", f"postgresql://app:{{p}}@{HOST}/$({{p}})"),
    url("placeholder-unreplaced", f"postgresql://app:{{p}}@{HOST}/<database>"),
    url("text-pasted", f"psql -h {HOST} -U {{p}} {{p}}"),
    url("parameter-misplaced", f"postgresql://app:{{p}}@{HOST}/app;sslmode={{p}}"),
    url("text-too-long", GOOD + "x" * 32_768),
    url("text-nul", f"postgresql://app:{{p}}%00@{HOST}/app"),
    url("text-not-utf8", f"postgresql://app:{{p}}%ff@{HOST}/app"),
    url("text-not-utf8", f"postgresql://app:{{p}}\udcff@{HOST}/app"),
    url("control-character", f"postgresql://app:{{p}}\n@{HOST}/app"),
    url("percent-unencoded", f"postgresql://app:{{p}}%zz@{HOST}/app"),
    url("at-unencoded", f"postgresql://app:{{p}}@{{p}}@{HOST}/app"),
    url("slash-unencoded", f"postgresql://app:{{p}}/{{p}}@{HOST}/app"),
    url("question-unencoded", f"postgresql://app:{{p}}?{{p}}@{HOST}/app"),
    url("hash-unencoded", f"postgresql://app:{{p}}#{{p}}@{HOST}/app"),
    url("space-unencoded", f"postgresql://app:{{p}} {{p}}@{HOST}/app"),
    query("plus-unencoded", "options=-c+{p}"),
    # schemes
    url("scheme-missing", "{raw}"),
    url("scheme-missing", f"//app:{{p}}@{HOST}/app"),
    url("scheme-slashes", f"postgresql:/app:{{p}}@{HOST}/app"),
    url("scheme-case", f"Postgresql://app:{{p}}@{HOST}/app"),
    url("scheme-unsupported", f"mongodb://app:{{p}}@{HOST}/app"),
    url("scheme-unknown", f"app:{{p}}@{HOST}/app"),
    url("scheme-unknown", f"jdbc:postgresql://{HOST}/app?user=app&password={{p}}"),
    # the other families
    url("bracket-unencoded", f"rediss://app:{{p}}[@{HOST}/0"),
    url("semicolon-unencoded", f"amqps://app:{{p}};@{HOST}/app"),
    url("character-unencoded", f"rediss://app:{{p}}\uff0f@{HOST}/0"),
    url("hosts-several", f"rediss://:{{p}}@{HOST},{HOST}/0"),
    url("password-missing", f"amqps://{{p}}@{HOST}/0"),
    Case("password-missing", {"CACHE_URL": f"rediss://{{p}}@{HOST}/0"}),
    url("dbname-invalid", f"rediss://:{{p}}@{HOST}/{{p}}"),
    url("dbname-contradicts", f"rediss://:{{p}}@{HOST}/1?db=2"),
    url("socket-path", "unix://:{p}@"),
    url("broker-list", f"amqps://app:{{p}}@{HOST};amqps://app:x{{p}}@{HOST}"),
    url("sentinel-list", f"sentinel://:{{p}}@{HOST}/0;sentinel://{HOST}/1"),
    url("sentinel-master", f"rediss+sentinel://:{{p}}@{HOST}/0?sentinel_password={{p}}"),
    url("tls-contradicts", f"rediss://:{{p}}@{HOST}/0?ssl_cert_reqs=none&ssl_check_hostname=true"),
    url("tls-scheme", f"redis://:{{p}}@{HOST}/0?ssl_ca_certs={{p}}"),
    url("sni-refused", f"amqps://app:{{p}}@{HOST}/app?server_name_indication={{p}}"),
    url("socket-host", f"mysql://app:{{p}}@{HOST}/app?unix_socket=/run/{{p}}"),
    url("host-refused", f"sqlite://app:{{p}}@{HOST}/app"),
    url("path-invalid", "sqlite:///{p}/"),
    # hosts and names
    url("user-missing", f"postgresql://:{{p}}@{HOST}/app"),
    url("dbname-missing", f"mysql://app:{{p}}@{HOST}"),
    url("dbname-too-long", f"postgresql://app:{{p}}@{HOST}/{'a' * 64}"),
    url("host-missing", "postgresql://app:{p}@/app?host="),
    url("host-empty", f"postgresql://app:{{p}}@{HOST},/app"),
    url("host-invalid", f"postgresql://app:{{p}}@{HOST}$/app"),
    url("host-not-ascii", "postgresql://app:{p}@dätabase/app"),
    url("host-brackets", "postgresql://app:{p}@[0nonsense]/app"),
    query("hostaddr-alone", "hostaddr=10.0.0.1", host=""),
    query("hostaddr-count", "hostaddr=10.0.0.1,10.0.0.2"),
    query("hostaddr-invalid", "hostaddr={p}"),
    query("hostaddr-socket", "host=/run&hostaddr=10.0.0.1", host=""),
    url("port-invalid", f"postgresql://app@{HOST}:{{p}}/app"),
    url("port-range", f"postgresql://app:{{p}}@{HOST}:99999/app"),
    url("port-count", f"postgresql://app:{{p}}@{HOST},{HOST},{HOST}/app?port=1,2"),
    # parameters
    query("parameter-duplicate", "password={p}"),
    query("parameter-duplicate", "sslpassword={p}&sslpassword={p}2"),
    query("parameter-refused", "sslkeylogfile={p}&sslpassword={p}"),
    query("parameter-syntax", "password"),
    query("parameter-syntax", "a=b={p}"),
    query("parameter-unknown", "unheard=1"),
    url("parameter-unknown", f"postgresql://app@{HOST}/app?password={{p}}&{{p}}=1"),
    url("parameter-syntax", f"{WORDS} '{{raw}}"),
    url("parameter-syntax", f"host={HOST} password='{{raw}}"),
    url("value-ambiguous", f"host={HOST} password= {{raw}}=1"),
    query("value-empty", "sslpassword={p}&sslcert="),
    query("value-unknown", "channel_binding={p}"),
    query("value-refused", "sslcompression=1"),
    query("number-invalid", "connect_timeout={p}"),
    query("sslmode-unknown", "sslmode={p}"),
    query("sslmode-unknown", "sslmode=no-verify"),
    query("ssl-unknown", "ssl={p}"),
    query("tls-version-weak", "ssl_min_protocol_version=TLSv1"),
    query("tls-version-range", "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2"),
    Case("host-invalid", {"PGHOST": HOST + "$", "PGPASSWORD": "{raw}", "PGUSER": "app", "PGDATABASE": "app"}),
    Case("file-missing", {"DB_HOST": HOST, "DB_PASSWORD_FILE": "{raw}"}),
    # TLS
    query("tls-disabled", "sslmode=disable&sslpassword={p}"),
    query("socket-enforced", "host=/run", host="", ENVCONN_TLS_LOCAL="enforce"),
    query("hosts-mixed", f"host=/run,{HOST}", host=""),
    query("sslmode-contradicts", "sslmode=disable&sslrootcert=system"),
    query("direct-needs-tls", "sslnegotiation=direct", host="127.0.0.1"),
    query("sslkey-missing", "sslcert={p}"),
    query("tls-file-missing", "sslcert={p}&sslkey={p}&sslpassword={p}"),
    query("crl-without-ca", "sslcrl={p}"),
    Case("crl-broken", {"DATABASE_URL": GOOD + "?sslcrl=held"}, {"held": "{raw}"}),
    Case("tls-file-broken", {"DATABASE_URL": GOOD + "?sslcert=held&sslkey=held&sslpassword={p}"}, {"held": "{raw}"}),
    query("ca-missing", "sslmode=verify-full"),
    query("ca-missing", "sslrootcert={p}"),
    Case("ca-broken", {"DATABASE_URL": GOOD + "?sslrootcert=held"}, {"held": "{raw}"}),
    url("ca-broken", GOOD, DATABASE_CA_CERT="-----BEGIN CERTIFICATE-----{raw}"),
    url("ca-missing", GOOD, ENVCONN_TLS_CA="{raw}"),
    url("ca-unreadable", GOOD, ENVCONN_TLS_CA="./{raw}" * 1000),
    url("ca-directory", GOOD, ENVCONN_TLS_CA="."),
    Case("ca-special", {"DATABASE_URL": GOOD, "ENVCONN_TLS_CA": "pipe"}, prepare=lambda: os.mkfifo("pipe")),
    Case("ca-too-large", {"DATABASE_URL": GOOD, "ENVCONN_TLS_CA": "held"}, {"held": GOOD * 100_000}),
    Case("ca-binary", {"DATABASE_URL": GOOD, "ENVCONN_TLS_CA": "held"}, {"held": b"\xff"}),
    url("ca-private", f"postgresql://app:{{p}}@{SCALINGO}/app?sslmode=verify-full&sslrootcert=system"),
    # what is known about providers
    url("provider-unknown", GOOD, ENVCONN_PROVIDER="{raw}"),
    url("pooler-unknown", GOOD, ENVCONN_POOL_MODE="{raw}"),
    url("options-pooled", f"postgresql://app.main:{{p}}@{PLANETSCALE}:6432/app?options={{p}}"),
    url("endpoint-inconsistent", f"postgresql://app:{{p}}@{NEON}/app?options=endpoint%3Dep-other"),
    url("channel-binding-password", f"postgresql://app:endpoint%3Dep-a%3B{{p}}@{NEON}/app?channel_binding=require"),
    url("replica-pooled", f"postgresql://app.main%7Creplica:{{p}}@{PLANETSCALE}:6432/app"),
    # the policy
    url("envconn-variable-unknown", GOOD, ENVCONN_TSL="{raw}"),
    Case("part-unknown", {**PARTS, "DB_SSL_CIPHERS": "{raw}"}),
    Case("port-foreign", {**PARTS, "DB_PORT": "1433"}),
    url("phase-unknown", GOOD, ENVCONN_PHASE="{raw}"),
    url("ignore-invalid", GOOD, ENVCONN_IGNORE="={raw}"),
    url("ignore-refused", GOOD, ENVCONN_IGNORE="PGPASSWORD", PGPASSWORD="{raw}"),
    url("policy-unknown", GOOD, ENVCONN_TLS="{raw}"),
    url("policy-unknown", GOOD, ENVCONN_TLS_LOCAL="{raw}"),
    url("waiver-too-wide", GOOD, ENVCONN_TLS_WAIVE="*, {raw}"),
    url("waiver-malformed", GOOD, ENVCONN_TLS_WAIVE="{raw}/x"),
    url("pg-service", GOOD, PGSERVICE="{raw}"),
    Case("password-redirected", {"PGPASSWORD": "{p}"}, {".env": f"DATABASE_URL=postgresql://app@{HOST}/app\n"}),
    url("pg-variable-invalid", GOOD, PGCONNECT_TIMEOUT="{raw}"),
    url("identity-unknown", GOOD, ENVCONN_AUTH="{raw}"),
    url("identity-conflict", f"postgresql://app:{{p}}@{RDS}/app", ENVCONN_AUTH="aws-iam"),
    url("identity-conflict", f"postgresql://app@{RDS}/app", ENVCONN_AUTH="aws-iam", ENVCONN_AUTH_REGION="{raw}"),
    url("identity-endpoint", f"postgresql://app@{HOST}/app?application_name={{p}}", ENVCONN_AUTH="aws-iam"),
    url("identity-unverified", f"postgresql://{{p}}@{RDS.replace('eu-west', 'xx-new')}/app", ENVCONN_AUTH="aws-iam"),
]

# Reached by programs only; see the tests that name them.
BY_CALL = {
    "alias-duplicate",
    "argument-refused",
    "broker-missing",
    "ca-unwritable",
    "celery-overruled",
    "connection-altered",
    "databases-nested",
    "crl-contradicts",
    "driver-too-old",
    "openssl-weak",
    "driver-unsupported",
    "default-refused",
    "endpoint-differs",
    "engine-unjudged",
    "files-exhausted",
    "password-in-clear",
    "password-unavailable",
    "password-unclaimed",
    "result-missing",
    "secret-unavailable",
    "secrets-unlisted",
    "service-missing",
    "source-malformed",
    "test-pattern",
    "test-production",
    "test-remote",
    "tls-below-minimum",
}


def test_every_code_of_the_source_is_in_the_table() -> None:
    codes = in_problems() - in_problems(CORE / "probe", CORE / "cli", CORE / "remote")  # see tests/live
    assert len(codes) > 70
    assert codes - {case.code for case in CASES} == BY_CALL


@pytest.fixture(params=MARKERS.values(), ids=list(MARKERS))
def marker(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture(params=CASES, ids=lambda case: case.code)
def case(request: pytest.FixtureRequest, marker: str, monkeypatch: pytest.MonkeyPatch) -> Case:
    """One case of the table; it is the environment of this process now."""
    assert isinstance(request.param, Case)
    filled = {"{p}": quote(marker, safe=""), "{raw}": marker}

    def fill(text: str) -> str:
        for hole, value in filled.items():
            text = text.replace(hole, value)
        return text

    for name, value in request.param.environ.items():
        monkeypatch.setenv(name, fill(value))
    for name, content in request.param.files.items():
        raw = content.replace(b"{p}", filled["{p}"].encode()) if isinstance(content, bytes) else fill(content).encode()
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(raw)
    if request.param.prepare:
        request.param.prepare()
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    return request.param


@contextlib.contextmanager
def nothing_of(marker: str, caplog: pytest.LogCaptureFixture) -> Iterator[pytest.ExceptionInfo[BaseException]]:
    """Expect an exception, and no piece of `marker` in it or in any log."""
    caplog.set_level("DEBUG")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one, the caller says
        yield caught
    surfaces = {**failure_surfaces(caught.value), "log": caplog.text}
    assert find(marker, surfaces) == {}


@pytest.mark.sampled(2)
def test_load(case: Case, marker: str, caplog: pytest.LogCaptureFixture) -> None:
    with nothing_of(marker, caplog) as caught:
        envconn.load()
    assert isinstance(caught.value, envconn.ConfigurationError)
    assert case.code in {problem.code for problem in caught.value.problems}


@pytest.mark.sampled(2)
def test_settings(case: Case, marker: str, caplog: pytest.LogCaptureFixture) -> None:
    with nothing_of(marker, caplog) as caught:
        envconn.Settings()
    assert isinstance(caught.value, envconn.ConfigurationError)
    assert case.code in {problem.code for problem in caught.value.problems}


@pytest.mark.sampled(2)
def test_database(case: Case, marker: str, caplog: pytest.LogCaptureFixture) -> None:
    for call in (database, envconn_psycopg.kwargs, envconn_psycopg.connect):
        with nothing_of(marker, caplog) as caught:
            call()
        assert isinstance(caught.value, envconn.ConfigurationError), case


@pytest.mark.sampled(2)
def test_parse_and_secure(case: Case, marker: str, caplog: pytest.LogCaptureFixture) -> None:
    text = os.environ.get("DATABASE_URL", "")
    with contextlib.suppress(envconn.ConfigurationError):
        envconn.parse(text)
        envconn.secure(envconn.parse(text))
        return
    with nothing_of(marker, caplog) as caught:
        envconn.secure(envconn.parse(text, "SOME_URL"))
    assert isinstance(caught.value, envconn.ConfigurationError), case


@pytest.mark.sampled(2)
def test_command(case: Case, marker: str, capfd: pytest.CaptureFixture[str]) -> None:
    for argv in (["check"], ["check", "--json"], ["show"], ["show", "--json"], ["exec", "--", "true"]):
        assert main(argv) == 78
        output = capfd.readouterr()
        assert find(marker, {"stdout": output.out, "stderr": output.err}) == {}
        assert case.code in output.out + output.err
        if "--json" in argv:
            assert not understood(output.out)["ok"]


@pytest.mark.sampled(2)
def test_report(case: Case, marker: str) -> None:
    report = select_services().report
    looked_at = {"report": report, "dict": report.as_dict(), "notes": report.notes, "problems": report.problems}
    surfaces = {
        f"{what} {way}": text for what, value in looked_at.items() for way, text in value_surfaces(value).items()
    }
    assert find(marker, surfaces) == {}, case

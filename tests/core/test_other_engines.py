"""Engines whose URL is the program's own: what their arguments are read as, and what comes of it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Literal

import pytest
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

import envconn
import envconn_psycopg
import envconn_sqlalchemy
from envconn_sqlalchemy import other_engines
from envconn_sqlalchemy.other_engines import verdict

if TYPE_CHECKING:
    from throwaway.certificates import Certificates

MARKER = "marker-password"
PLACE = f"app:{MARKER}@db.example.com/shop"


def made(url: str, **options: Any) -> sqlalchemy.Engine:
    if any(f"+{driver}:" in url for driver in ("asyncpg", "psycopg_async", "aiomysql", "asyncmy")):
        return create_async_engine(url, **options).sync_engine
    return sqlalchemy.create_engine(url, **options)


def arguments(url: str, **connect_args: Any) -> dict[str, Any]:
    """Return what the DBAPI would be called with."""
    engine = made(url, connect_args=connect_args)
    found: dict[str, Any] = {}

    def connect(**given: Any) -> Any:
        found.update(given)
        return found

    engine.dialect.connect = connect  # type: ignore[method-assign]
    other_engines.judge_from_now_on()
    engine.pool._creator(None)  # type: ignore[call-arg, arg-type]
    return found


def contexts() -> dict[str, ssl.SSLContext]:
    encrypted, chained = ssl.create_default_context(), ssl.create_default_context()
    encrypted.check_hostname = chained.check_hostname = False
    encrypted.verify_mode = ssl.CERT_NONE
    return {"{encrypted}": encrypted, "{verify-ca}": chained, "{verify-full}": ssl.create_default_context()}


LEVELS: list[tuple[str, dict[str, Any], str]] = [
    *((f"postgresql+{driver}://{PLACE}", {}, "encrypted") for driver in ("psycopg", "psycopg2", "asyncpg", "pg8000")),
    (f"postgresql+psycopg://{PLACE}?sslmode=verify-full&sslrootcert=system", {}, "verify-full"),
    (f"postgresql+psycopg2://{PLACE}", {"sslmode": "verify-full", "sslrootcert": "system"}, "verify-full"),
    (f"postgresql+psycopg2://{PLACE}", {"database": "shop", "port": 6432, "connect_timeout": 3}, "encrypted"),
    (f"postgresql+psycopg://{PLACE}", {"conninfo": "sslmode=require"}, "encrypted"),
    (f"postgresql+asyncpg://{PLACE}?ssl=require", {}, "encrypted"),
    (f"postgresql+asyncpg://{PLACE}", {"ssl": True, "server_settings": {"jit": "off"}}, "verify-full"),
    (f"postgresql+asyncpg://{PLACE}", {"host": ["a.example", "b.example"], "port": [1, 2]}, "encrypted"),
    (f"postgresql+asyncpg://{PLACE}", {"ssl": "{encrypted}"}, "encrypted"),
    (f"postgresql+asyncpg://{PLACE}", {"ssl": "{verify-full}"}, "verify-full"),
    (f"postgresql+pg8000://{PLACE}", {"ssl_context": True}, "verify-full"),
    (f"postgresql+pg8000://{PLACE}", {"ssl_context": "{verify-ca}"}, "encrypted"),
    (f"postgresql+pg8000://{PLACE}", {"host": None, "unix_sock": "/run/pg/.s.PGSQL.6000"}, "none"),
    ("postgresql+psycopg://app@localhost/shop?sslmode=disable", {}, "none"),
    (f"mysql+pymysql://{PLACE}", {}, "encrypted"),
    (f"mysql+pymysql://{PLACE}?ssl_ca={{ca}}", {}, "verify-full"),
    (f"mysql+pymysql://{PLACE}", {"ssl": {"ca": "{ca}", "check_hostname": False}}, "verify-ca"),
    (f"mysql+pymysql://{PLACE}", {"ssl": {"verify_mode": False}}, "encrypted"),
    *(
        (f"mysql+pymysql://{PLACE}", {"ssl": {"ca": "{ca}", "verify_mode": mode}}, level)
        for mode, level in {"none": "encrypted", "0": "encrypted", "optional": "encrypted", True: "verify-full"}.items()
    ),
    (f"mysql+pymysql://{PLACE}", {"ssl": "{encrypted}"}, "encrypted"),
    (f"mysql+pymysql://{PLACE}", {"ssl_verify_identity": True, "ssl_ca": "{ca}"}, "verify-full"),
    ("mysql+pymysql://app@[::1]/shop", {"ssl_disabled": True, "charset": "utf8mb4"}, "none"),
    (f"mysql+aiomysql://{PLACE}", {}, "encrypted"),
    (f"mysql+aiomysql://{PLACE}", {"ssl": "{verify-full}"}, "encrypted"),
    (f"mysql+asyncmy://{PLACE}", {"ssl": True}, "encrypted"),
    (f"mysql+asyncmy://{PLACE}", {"ssl": {"ca": "{ca}"}}, "verify-full"),
    ("mysql+asyncmy://app@localhost/shop", {"ssl": None}, "opportunistic"),
    ("mysql+pymysql:///shop?unix_socket=/run/my.sock", {"user": "app", "passwd": MARKER}, "none"),
    ("mysql+pymysql:///shop", {"unix_socket": "/run/my sql.sock", "user": "app"}, "none"),
]


@pytest.mark.parametrize(("url", "connect_args", "level"), LEVELS)
def test_the_level(url: str, connect_args: dict[str, Any], level: str, certificates: Certificates) -> None:
    given = filled(connect_args, str(certificates.ca))
    engine = made(url.replace("{ca}", str(certificates.ca)), connect_args=given)
    found = verdict(engine)
    assert found
    assert found.tls.level == level
    engine.dispose()


def filled(value: Any, ca: str) -> Any:
    """Put the CA, and contexts by their level, into arguments."""
    if isinstance(value, dict):
        return {name: filled(each, ca) for name, each in value.items()}
    return {"{ca}": ca, **contexts()}.get(value, value) if isinstance(value, str) else value


REFUSED: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    *((f"postgresql+{driver}://{PLACE}?sslmode=disable", {}, {}, "tls-disabled") for driver in ("psycopg", "psycopg2")),
    (f"postgresql+asyncpg://{PLACE}?ssl=disable", {}, {}, "tls-disabled"),
    (f"postgresql+asyncpg://{PLACE}", {"ssl": False}, {}, "tls-disabled"),
    (f"postgresql+pg8000://{PLACE}", {"ssl_context": False}, {}, "tls-disabled"),
    (f"postgresql+psycopg://{PLACE}?service=x", {}, {}, "parameter-refused"),
    (f"postgresql+asyncpg://{PLACE}", {"ssl": "{encrypted}"}, {"ENVCONN_TLS_CA": "system"}, "argument-refused"),
    (f"postgresql+psycopg://{PLACE}", {}, {"ENVCONN_TLS": "verify-full"}, "ca-missing"),
    (f"mysql+pymysql://{PLACE}", {"ssl_disabled": True}, {}, "tls-disabled"),
    (f"mysql+pymysql://{PLACE}", {"read_default_file": "/x"}, {}, "parameter-refused"),
    (f"mysql+pymysql://{PLACE}", {"ssl_cipher": "x"}, {}, "parameter-refused"),
    (f"mysql+aiomysql://{PLACE}", {"read_default_file": "/x"}, {}, "parameter-refused"),
    (f"mysql+aiomysql://{PLACE}", {"ssl": "{encrypted}"}, {"ENVCONN_TLS_CA": "system"}, "argument-refused"),
    (f"mysql+asyncmy://{PLACE}", {"read_default_group": "client"}, {}, "parameter-unknown"),
    (f"mysql+asyncmy://{PLACE}", {}, {"ENVCONN_TLS": "verify-full"}, "ca-missing"),
    *(
        (f"{dialect}://{place}", {name: print}, {}, "argument-refused")
        for place in (PLACE, "app@localhost/shop")
        for dialect, name in (
            ("postgresql+psycopg", "async_creator_fn"),
            ("postgresql+psycopg_async", "async_creator_fn"),
            ("postgresql+asyncpg", "async_creator_fn"),
            ("postgresql+asyncpg", "dsn"),
            ("postgresql+pg8000", "sock"),
            ("mysql+pymysql", "defer_connect"),
            ("mysql+aiomysql", "async_creator_fn"),
            ("mysql+asyncmy", "async_creator_fn"),
            ("mysql+asyncmy", "sock"),
            ("mysql+asyncmy", "invented"),
        )
    ),
]


@pytest.mark.parametrize(("url", "connect_args", "environ", "code"), REFUSED)
def test_what_is_refused(
    url: str, connect_args: dict[str, Any], environ: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    engine = made(url, connect_args=filled(connect_args, ""))
    other_engines.judge_from_now_on()
    for attempt in (lambda: verdict(engine), lambda: engine.pool._creator(None)):  # type: ignore[call-arg, arg-type]
        with pytest.raises(envconn.ConfigurationError) as refusal:
            attempt()
        assert [problem.code for problem in refusal.value.problems] == [code]
        assert MARKER not in str(refusal.value)


def test_what_the_driver_is_called_with() -> None:
    given = arguments(f"postgresql+psycopg://{PLACE}?application_name=own", autocommit=True)
    assert (given["sslmode"], given["host"], given["autocommit"]) == ("require", "db.example.com", True)
    assert (given["application_name"], given["dbname"]) == ("own", "shop")
    assert "context" in given  # the dialect's own


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_arguments_of_envconn_are_themselves(driver: Literal["psycopg", "psycopg2"]) -> None:
    ours = envconn_psycopg.kwargs(envconn.secure(f"postgresql://{PLACE}"), driver=driver)
    given = arguments(f"postgresql+{driver}://", **ours)
    assert given | ours == given


def test_a_context_of_the_program_is_kept() -> None:
    context = contexts()["{verify-full}"]
    assert arguments(f"postgresql+pg8000://{PLACE}", ssl_context=context, timeout=3)["ssl_context"] is context
    assert arguments(f"mysql+pymysql://{PLACE}", ssl=context)["ssl"] is context


def test_a_password_that_is_asked_for_is_kept() -> None:
    password = dict.fromkeys
    given = arguments(f"postgresql+asyncpg://{PLACE}", password=password)
    assert given["password"] is password


def test_a_driver_that_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = made(f"postgresql+psycopg2://{PLACE}")
    engine.dialect.driver = "unheard"
    with pytest.raises(envconn.ConfigurationError, match="may be unencrypted") as refusal:
        verdict(engine)
    assert [problem.code for problem in refusal.value.problems] == ["driver-unsupported"]
    monkeypatch.setenv("ENVCONN_TLS_WAIVE", "db.example.com")
    assert verdict(engine) is None


EXEMPT: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    ("postgresql", {"host": "localhost", "application_name": "x"}, {}, ""),
    ("postgresql", {"host": "localhost", "hostaddr": "127.0.0.2"}, {}, ""),
    ("postgresql", {"host": "db.example.com", "hostaddr": "127.0.0.2"}, {}, ""),
    ("postgresql", {"host": "db.example.com", "hostaddr": "10.0.0.1"}, {"ENVCONN_TLS_WAIVE": "10.0.0.1"}, ""),
    ("postgresql", {"host": "localhost"}, {"PGHOSTADDR": "127.0.0.2"}, ""),
    ("mysql", {"host": "127.0.0.1", "charset": "utf8mb4"}, {"PGHOSTADDR": "192.0.2.1"}, ""),
    ("mssql", {"host": "db.example.com"}, {"ENVCONN_TLS_WAIVE": "db.example.com"}, ""),
    ("postgresql", {"host": "localhost", "hostaddr": "192.0.2.1"}, {}, "to its hostaddr"),
    ("postgresql", {"host": "db", "hostaddr": "192.0.2.1"}, {"ENVCONN_TLS_WAIVE": "db"}, "to its hostaddr"),
    ("postgresql", {"host": "localhost,db.example.com"}, {}, "to its host"),
    ("postgresql", {"host": "localhost"}, {"PGHOSTADDR": "192.0.2.1"}, "to its hostaddr"),
    ("postgresql", {"host": "localhost"}, {"PGSERVICE": "other"}, "service"),
    ("postgresql", {"host": "localhost"}, {"ENVCONN_TLS_LOCAL": "enforce"}, "to its host"),
    *(
        ("postgresql", {"host": "localhost", name: "host=db.example.com"}, {}, name)
        for name in ("service", "servicefile", "dsn", "conninfo", "connection_factory", "async_creator_fn")
    ),
    *(
        ("mysql", {"host": "localhost", name: "db.example.com"}, {}, f"{name} cannot be judged")
        for name in ("failover", "hostaddr", "option_files", "read_default_file", "async_creator_fn", "dsn", "sock")
    ),
]


@pytest.mark.parametrize(("dialect", "words", "environ", "message"), EXEMPT)
def test_a_driver_that_is_not_supported_is_exempt_by_what_it_dials(
    dialect: str, words: dict[str, Any], environ: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    engine = made("postgresql+psycopg2:///", connect_args=words)
    engine.dialect.name, engine.dialect.driver = dialect, "unheard"
    if not message:
        assert verdict(engine) is None
        return
    with pytest.raises(envconn.ConfigurationError, match=message):
        verdict(engine)


def test_a_driver_that_is_not_supported_and_names_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCONN_TLS_WAIVE", "db.example.com")
    engine = made("postgresql+psycopg2:///shop")
    engine.dialect.driver = "unheard"
    with pytest.raises(envconn.ConfigurationError, match=r"set ENVCONN_TLS_WAIVE to postgresql\+unheard://$"):
        verdict(engine)
    for waiver in ("postgresql+unheard://", "h POSTGRESQL+unheard://"):
        monkeypatch.setenv("ENVCONN_TLS_WAIVE", waiver)
        assert verdict(engine) is None
    monkeypatch.setattr(engine.dialect, "driver", "mariadbconnector")
    monkeypatch.setattr(engine.dialect, "name", "mysql")
    with pytest.raises(envconn.ConfigurationError, match="set ENVCONN_TLS_WAIVE to its host"):
        verdict(engine)


def test_what_needs_no_verdict() -> None:
    assert verdict(made("sqlite://")) is None
    services = envconn.load({"DATABASE_URL": f"postgresql://{PLACE}"}, env_file=None)
    assert verdict(envconn_sqlalchemy.create_engine(services)) is services.database


@pytest.mark.parametrize("url", ["postgresql+psycopg", "postgresql+psycopg2", "postgresql+pg8000", "mysql+pymysql"])
def test_no_frame_shows_what_was_read(url: str) -> None:
    """As a page for errors shows them, with the variables of each frame."""
    engine = made(f"{url}://{PLACE}")
    engine.dialect.connect = lambda **_: 1 / 0  # type: ignore[method-assign, assignment]
    other_engines.judge_from_now_on()
    with pytest.raises(ZeroDivisionError) as failure:
        engine.pool._creator(None)  # type: ignore[call-arg, arg-type]
    paths = ("other_engines", "connection_from_arguments")
    frames = [each.frame.f_locals for each in failure.traceback if any(path in str(each.path) for path in paths)]
    ours = [{name: value for name, value in each.items() if name not in {"positional", "named"}} for each in frames]
    assert [each for each in ours if "found" in each]
    assert MARKER not in repr(ours)


def test_sqlite_is_opened_by_sqlalchemy() -> None:
    other_engines.judge_from_now_on()
    engine = made("sqlite://")
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1")).scalar() == 1
    engine.dispose()


def test_what_cannot_be_judged() -> None:
    for engine in (made(f"postgresql+psycopg://{PLACE}", creator=lambda: None), made(f"postgresql+psycopg://{PLACE}")):
        event.listen(sqlalchemy.Engine, "do_connect", opened_elsewhere, insert=True)
        try:
            with pytest.raises(envconn.ConfigurationError, match="cannot be judged"):
                verdict(engine)
        finally:
            event.remove(sqlalchemy.Engine, "do_connect", opened_elsewhere)


def opened_elsewhere(*_: object) -> object:
    return object()


def test_judging_begins_once() -> None:
    for _ in range(2):
        other_engines.judge_from_now_on()
    event.remove(sqlalchemy.Engine, "do_connect", other_engines._opened)
    assert not event.contains(sqlalchemy.Engine, "do_connect", other_engines._opened)

"""What Flask-SQLAlchemy is given, without an application."""

from __future__ import annotations

import pytest

import envconn
import envconn_flask

MARKER = "marker-password"
ENVIRON = {
    "DATABASE_URL": f"postgresql://app:{MARKER}@db.example.com/app",
    "ANALYTICS_DATABASE_URL": f"postgresql://app:{MARKER}@other.example.com/numbers",
}


def test_one_is_the_default_and_the_others_are_binds() -> None:
    services = envconn.load(ENVIRON, env_file=None)
    found = envconn_flask.config(services, driver="psycopg2", engine_options={"pool_size": 3})
    url, options, binds = (found[f"SQLALCHEMY_{name}"] for name in ("DATABASE_URI", "ENGINE_OPTIONS", "BINDS"))
    assert (url.drivername, url.host, url.password) == ("postgresql+psycopg2", "db.example.com", None)
    assert options == {"pool_size": 3}
    assert binds.keys() == {"analytics"}
    assert binds["analytics"].keys() == {"url"}
    assert binds["analytics"]["url"].database == "numbers"
    assert MARKER not in repr(found)


def test_without_a_default_there_are_binds_only() -> None:
    analytics = {name: text for name, text in ENVIRON.items() if name.startswith("ANALYTICS")}
    found = envconn_flask.config(envconn.load(analytics, env_file=None))
    assert found.keys() == {"SQLALCHEMY_BINDS"}


@pytest.mark.parametrize("stated", [{"connect_args": {"sslmode": "disable"}}, {"creator": print}])
def test_what_is_stated_weakens_nothing(stated: dict[str, object]) -> None:
    services = envconn.load(ENVIRON, env_file=None)
    with pytest.raises(envconn.ConfigurationError) as refusal:
        envconn_flask.config(services, engine_options=stated)
    assert [problem.code for problem in refusal.value.problems] == ["argument-refused"]

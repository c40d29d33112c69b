"""What Flask-SQLAlchemy, Flask-Migrate and Flask's command read; `test_flask_settings` tries each cell."""

from __future__ import annotations

from framework_settings import JUDGED, MERGED, NONE, OPEN, REFUSED, Row, Table

TABLE = Table(
    "Flask, Flask-SQLAlchemy and Flask-Migrate",
    "Flask 3.1, Flask-SQLAlchemy 3.1, Flask-SQLAlchemy-Lite 0.2 and Flask-Migrate 4.1",
    '"Before" and "after" are before and after `EnvConn(app)`, in both cases before `db.init_app(app)`, which '
    "makes the engines.",
    (
        Row("`SQLALCHEMY_DATABASE_URI`", REFUSED, JUDGED, note="what is shown is what is used"),
        Row("`FLASK_SQLALCHEMY_DATABASE_URI`, with `from_prefixed_env()`", REFUSED, environment=JUDGED),
        Row("`SQLALCHEMY_ENGINE_OPTIONS` of the pool and the engine", MERGED, MERGED),
        Row("`SQLALCHEMY_ENGINE_OPTIONS` with `connect_args` that decide, or `creator`", REFUSED, REFUSED),
        Row("`SQLAlchemy(engine_options=...)` with `connect_args` that decide, or `creator`", REFUSED, REFUSED),
        Row("`SQLALCHEMY_BINDS` of other names", JUDGED, JUDGED, note="raised, waived or refused; SQLite passes"),
        Row("`SQLALCHEMY_BINDS` with the name of a database of the environment", REFUSED, JUDGED),
        Row("`SQLALCHEMY_BINDS[None]` with a URL", REFUSED, NONE),
        Row("`creator` in one of `SQLALCHEMY_BINDS`", OPEN, OPEN, note="an error of `flask envconn check`"),
        Row("`async_creator_fn`, `dsn` and their like in one of `SQLALCHEMY_BINDS`", REFUSED, REFUSED),
        Row("any of these after `db.init_app(app)`", after=NONE, note="Flask-SQLAlchemy does not read it"),
        Row("`SQLALCHEMY_ENGINES` of Flask-SQLAlchemy-Lite", JUDGED, JUDGED),
        Row("`.env` and `.flaskenv`, which the command loads", environment=JUDGED, command_line=JUDGED),
        Row("`PGHOSTADDR`, `PGPORT` and the others of libpq", environment=NONE),
        Row("`PGSERVICE`", environment=REFUSED, note="when the environment is read"),
    ),
)

"""What SQLAlchemy, Alembic and the drivers below them read; `test_sqlalchemy_settings` tries each cell."""

from __future__ import annotations

from framework_settings import JUDGED, MERGED, NONE, OPEN, REFUSED, Row, Table

TABLE = Table(
    "SQLAlchemy and Alembic",
    "SQLAlchemy 2.0 and 2.1, and Alembic 1.20",
    'The engine is made of the URL that `envconn_sqlalchemy.url()` returns. "Before" is what it is made '
    'with, "after" what is done to it afterwards.',
    (
        Row("`pool_size`, `poolclass`, `echo`, `execution_options`", MERGED, MERGED),
        Row("`connect_args` and parameters of the URL that decide nothing (`application_name`)", MERGED),
        Row("`connect_args` and parameters of the URL that decide (`sslmode`, `host`, `service`, `passfile`)", REFUSED),
        Row("another database in the URL", MERGED, note="that of a parallel worker of tests, say"),
        Row("another host, port or user, or a password in the URL", REFUSED),
        Row("`creator`, `async_creator`, `pool`, `module`; `async_creator_fn` in `connect_args`", REFUSED),
        Row("`plugins` of other packages that open connections", REFUSED, note="others are merged"),
        Row("`engine.pool._creator`, `engine.dialect.connect`, replaced", after=OPEN, note="not part of its interface"),
        Row("a `do_connect` listener", REFUSED, REFUSED, note="of the class `Engine`, or of the engine"),
        Row(
            "`PGHOST`, `PGHOSTADDR`, `PGPORT`, `PGSERVICE`, `PGUSER`, `PGDATABASE`, `PGOPTIONS`",
            environment=NONE,
            note="set after the URL was made; before, `PGSERVICE` is refused",
        ),
        Row(
            "`PGSSLMODE`, `PGSSLROOTCERT`, `PGSSLNEGOTIATION`, `PGGSSENCMODE`, less than is promised", environment=NONE
        ),
        Row(
            "`sqlalchemy.url` of Alembic with `plugin=envconn`",
            JUDGED,
            environment=JUDGED,
            command_line=JUDGED,
            note="`alembic.ini`, `ALEMBIC_CONFIG`, `alembic -c`",
        ),
        Row(
            "`sqlalchemy.url` of Alembic, without it",
            OPEN,
            environment=OPEN,
            command_line=OPEN,
            note="envconn is absent",
        ),
    ),
)

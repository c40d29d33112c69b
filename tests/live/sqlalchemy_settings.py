"""What SQLAlchemy, Alembic and the drivers below them read; `test_sqlalchemy_settings` tries each cell."""

from __future__ import annotations

from framework_settings import MERGED, Row, Table

TABLE = Table(
    "SQLAlchemy and Alembic",
    "SQLAlchemy 2.0 and 2.1, Alembic 1.20",
    'The URL is the one that `envconn_sqlalchemy.url()` returns. "Before" and "after" are the same: everything is an '
    "argument of `create_engine`.",
    (Row("`pool_size`, `poolclass`, `echo` and other options of the engine", MERGED, MERGED),),
)

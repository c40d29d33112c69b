"""The smallest Flask application with a database: the environment says which, and nothing here does."""

from __future__ import annotations

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import envconn
import envconn_sqlalchemy
from envconn_flask import EnvConn

QUERY = text("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()")


class Base(DeclarativeBase):
    """What the tables have in common."""


class Visit(Base):
    """One visit of the page."""

    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]


db = SQLAlchemy(model_class=Base)


def create_app() -> Flask:
    """Make the application, which is what gunicorn and ``flask`` call."""
    app = Flask(__name__)
    EnvConn(app)
    db.init_app(app)
    app.add_url_rule("/", view_func=count)
    app.cli.command("create-tables")(create_tables)
    return app


def count() -> dict[str, object]:
    """Count this visit, and say how the server sees the connection that counted it."""
    db.session.add(Visit(path="/"))
    db.session.commit()
    ssl, version = db.session.execute(QUERY).one()
    return {"visits": db.session.scalar(select(func.count(Visit.id))), "ssl": ssl, "version": version}


def create_tables() -> None:
    """Make the tables that are missing, past the pooler."""
    direct = envconn.load().connection(pooled=False)
    with envconn_sqlalchemy.create_engine(direct).begin() as connection:
        Base.metadata.create_all(connection)

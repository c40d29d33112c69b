"""Alembic's env.py on the direct endpoint: ``alembic upgrade head`` reads the environment as the application does."""

from alembic import context
from sqlalchemy import NullPool

import envconn
import envconn_sqlalchemy

target_metadata = None  # your Base.metadata, for autogenerate


def offline() -> None:
    """Print the statements; nothing is connected to."""
    context.configure(dialect_name="postgresql", target_metadata=target_metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def online() -> None:
    """Migrate over one connection, past any pooler."""
    direct = envconn.load().connection(pooled=False)
    engine = envconn_sqlalchemy.create_engine(direct, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()

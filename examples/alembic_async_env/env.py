"""Alembic's env.py after its async template, on the direct endpoint, for an application with asyncpg or aiomysql."""

import asyncio

from alembic import context
from sqlalchemy import Connection, NullPool

import envconn
import envconn_sqlalchemy

target_metadata = None  # your Base.metadata, for autogenerate


def migrate(connection: Connection) -> None:
    """Run the migrations over `connection`."""
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()


async def online() -> None:
    """Migrate over one connection, past any pooler."""
    direct = envconn.load().connection(pooled=False)
    engine = envconn_sqlalchemy.create_async_engine(direct, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():  # prints the statements; nothing is connected to
    context.configure(dialect_name="postgresql", target_metadata=target_metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(online())

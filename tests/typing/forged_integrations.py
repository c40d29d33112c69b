"""What must not pass: every line with ``# refused`` is an error, and no other line; see test_types.py."""

from __future__ import annotations

import envconn
import envconn_asyncpg
import envconn_celery
import envconn_django
import envconn_flask
import envconn_psycopg
import envconn_redis
import envconn_sqlalchemy

services = envconn.load()
unjudged = envconn.parse("postgresql://app@localhost/app")

# A service that is not there is nothing to load another one for.
envconn_psycopg.kwargs(None)  # refused
envconn_psycopg.connect(services.get("analytics"))  # refused
envconn_asyncpg.kwargs(services.get("analytics"))  # refused
envconn_asyncpg.create_pool(None)  # refused
envconn_sqlalchemy.url(None)  # refused
envconn_sqlalchemy.create_engine(services.get("analytics"))  # refused
envconn_redis.kwargs(services.get("broker"))  # refused
envconn_redis.client(None)  # refused
envconn_django.databases(None)  # refused
envconn_django.caches(services.get("cache"))  # refused
envconn_celery.config(services.get("broker"))  # refused
envconn_flask.config(None)  # refused
envconn_flask.EnvConn(services=None)  # refused

# The first argument has no name.
envconn_psycopg.kwargs(source=services)  # refused
envconn_redis.kwargs(source=services)  # refused
envconn_django.databases(source=services)  # refused

# A connection that was not judged, and a driver that does not exist.
envconn_asyncpg.kwargs(unjudged)  # refused
envconn_redis.client(unjudged)  # refused
envconn_django.databases(unjudged)  # refused
envconn_sqlalchemy.create_engine(services, driver="oracledb")  # refused

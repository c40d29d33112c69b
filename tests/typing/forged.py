"""What must not pass: every line with ``# refused`` is an error, and no other line; see test_types.py."""

from __future__ import annotations

import envconn
import envconn_psycopg
from envconn import SecuredConnection
from envconn.connection import Host
from envconn.export import render
from envconn.services import database

unjudged = envconn.parse("postgresql://app@localhost/app")
judged = envconn.secure(unjudged)

# A connection that was not judged.
envconn_psycopg.kwargs(unjudged)  # refused
envconn_psycopg.kwargs(unjudged, driver="psycopg2")  # refused
envconn_psycopg.connect(unjudged)  # refused
envconn_psycopg.aconnect(unjudged)  # refused
envconn_psycopg.connect("postgresql://app@localhost/app")  # refused
database(unjudged)  # refused
envconn.Settings.model_fields["database"].default = unjudged
forged: SecuredConnection = unjudged  # refused

# A judged one, made or changed elsewhere.
SecuredConnection()  # refused
SecuredConnection(unjudged)  # refused
judged.host = "elsewhere"  # refused
judged.tls = judged.tls  # refused
judged.password = None  # refused
judged.tls.level = envconn.TlsLevel.VERIFY_FULL  # refused
unjudged.parameters = judged.parameters  # refused

# What is read is no tuple of its fields.
host, port = unjudged.hosts[0]  # refused
unjudged.hosts[0][0]  # refused
len(unjudged)  # refused
bool(unjudged.hosts[0] < unjudged.hosts[0])  # refused
judged.tls._replace(level=envconn.TlsLevel.NONE)  # refused
judged.features.suspends = True  # refused
str(judged.variable)  # refused
str(judged.idle_seconds)  # refused
Host("db", port="5432")  # refused
Host("db")  # refused

# Judged once is not judged for something else.
envconn.secure(judged)  # refused
envconn.Policy(envconn.TlsLevel.ENCRYPTED)  # refused
envconn.Policy(floor="require")  # refused
envconn_psycopg.kwargs(driver="asyncpg")  # refused
envconn.load(policy="verify-full")  # refused
render(unjudged, "jdbc")  # refused
render(judged, "odbc")  # refused

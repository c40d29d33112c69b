"""What must not pass: every line with ``# refused`` is an error, and no other line; see test_types.py."""

from __future__ import annotations

import envconn
import envconn_psycopg
from envconn import SecuredConnection
from envconn.export import render
from envconn.services import database

unjudged = envconn.parse("postgresql://app@localhost/app")
judged = envconn.secure(unjudged)

# A connection that nobody judged.
envconn_psycopg.kwargs(unjudged)  # refused
envconn_psycopg.kwargs(unjudged, driver="psycopg2")  # refused
envconn_psycopg.connect(unjudged)  # refused
envconn_psycopg.aconnect(unjudged)  # refused
envconn_psycopg.connect("postgresql://app@localhost/app")  # refused
database(unjudged)  # refused
envconn.Settings.model_fields["database"].default = unjudged
forged: SecuredConnection = unjudged  # refused

# A judged one, made or changed by somebody else.
SecuredConnection()  # refused
SecuredConnection(unjudged)  # refused
judged.host = "elsewhere"  # refused
judged.tls = judged.tls  # refused
judged.password = None  # refused
judged.tls.level = envconn.TlsLevel.VERIFY_FULL  # refused
unjudged.parameters = judged.parameters  # refused

# Judged once is not judged for something else.
envconn.secure(judged)  # refused
envconn.Policy(envconn.TlsLevel.ENCRYPTED)  # refused
envconn.Policy(floor="require")  # refused
envconn_psycopg.kwargs(driver="asyncpg")  # refused
envconn.load(policy="verify-full")  # refused
render(unjudged, "jdbc")  # refused
render(judged, "odbc")  # refused

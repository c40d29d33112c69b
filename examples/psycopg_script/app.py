"""Connect to the database of the environment and say how both ends see the connection.

    envconn exec -- python app.py

It exits as ``envconn`` does: 0 good, 69 unreachable, 76 TLS refused or not verified, 77 login
refused, 78 configuration wrong.
"""

from __future__ import annotations

import re
import sys

import psycopg

import envconn
import envconn_psycopg

QUERY = "select ssl, version, cipher, bits from pg_stat_ssl where pid = pg_backend_pid()"


def main() -> int:
    """Connect, print, and return the exit code."""
    try:
        with envconn_psycopg.connect(autocommit=True) as connection:
            print(f"connected to {connection.info.host}, TLS at this end: {_yes(connection.pgconn.ssl_in_use)}")
            for ssl, version, cipher, bits in connection.execute(QUERY):
                print(f"pg_stat_ssl: ssl={_yes(ssl)} version={version} cipher={cipher} bits={bits}")
                if connection.pgconn.ssl_in_use and not ssl:
                    print("TLS ends before the server, at a pooler or proxy")
    except envconn.ConfigurationError as error:
        print(error, file=sys.stderr)
        return 78
    except psycopg.Error as error:
        print(str(error).partition("\n")[0], file=sys.stderr)
        return exit_code(str(error))
    return 0


def exit_code(message: str) -> int:
    """Sort a connection that failed by the text of its error: libpq gives it no SQLSTATE."""
    text = re.sub(r'"[^"]*"', "", message)  # names are in quotes, and may say anything
    if re.search("starting up|shutting down|recovery mode|too many|connection slots", text):
        return 69
    # The server's own words follow a severity, in whatever language, and two spaces.
    if re.search(r"\w:  |no password supplied", text):
        return 77
    return 76 if re.search("SSL|certificate", text) else 69


def _yes(is_so: object) -> str:
    return "yes" if is_so else "no"


if __name__ == "__main__":
    sys.exit(main())

"""Django's backend for PostGIS with `databases(rotate=True)`, on libraries that pyogrio and shapely bring along."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab import Lab
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.measured

PROGRAM = """
import json, sys
import django
from django.conf import settings
from django.db import connections

import envconn
from envconn_django import databases

arguments = json.loads(sys.argv[1])
services = envconn.load({"DATABASE_URL": arguments.pop("url")}, env_file=None)
settings.configure(DATABASES=databases(services, rotate=True), USE_TZ=True, **arguments)
django.setup()
from django.contrib.gis.db.backends.postgis import base

default = connections["default"]
with default.cursor() as cursor:
    cursor.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    (ssl,) = cursor.fetchone()
print(settings.DATABASES["default"]["ENGINE"], isinstance(default, base.DatabaseWrapper), ssl)
"""


def library(distribution: str, name: str) -> str:
    """Return the path of a shared library that a wheel carries."""
    files = metadata.files(distribution) or ()
    (found,) = (file for file in files if file.name.startswith(name))
    return str(found.locate())


def test_the_backend_for_postgis_logs_in(lab: Lab, certificates: Certificates) -> None:
    url = lab["good"].uri(sslmode="verify-full", sslrootcert=str(certificates.ca)).replace("postgresql:", "postgis:")
    libraries = {
        "GDAL_LIBRARY_PATH": library("pyogrio", "libgdal-"),
        "GEOS_LIBRARY_PATH": library("shapely", "libgeos_c-"),
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps({"url": url, **libraries})]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["envconn_django.rotating_gis", "True", "True"]

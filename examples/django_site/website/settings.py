"""Settings that hold nothing about a database: that is in the environment."""

import os

from envconn_django import caches, databases

SECRET_KEY = os.environ.get("SECRET_KEY", "")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")
INSTALLED_APPS = ["django.contrib.staticfiles", "envconn_django", "website"]
ROOT_URLCONF = "website.urls"
STATIC_URL = "static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT", "collected")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

DATABASES = databases()
CACHES = caches()
DATABASE_ROUTERS = ["envconn_django.ReplicaRouter"]
DEFAULT_EXCEPTION_REPORTER_FILTER = "envconn_django.SafeExceptionReporterFilter"

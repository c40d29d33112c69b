"""Wagtail and django-oscar behind PgBouncer in transaction mode: migrated from nothing, then visited."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest

from sites import LINES, Site

if TYPE_CHECKING:
    from pathlib import Path

    from bouncer import Bouncer
    from lab import Lab
    from throwaway.certificates import Certificates

pytestmark = pytest.mark.application

TOLD = "envconn: migrate uses the direct endpoint for default. Set ENVCONN_ENDPOINT=pooled to prevent that\n"
ADMIN = {"DJANGO_SUPERUSER_PASSWORD": "of the site"}
CREATE_ADMIN = ("createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.com")


def variables(database: str, bouncer: Bouncer, lab: Lab, ca: Path) -> dict[str, str]:
    """Make an empty database, and return the variables with the pooler before it, and with its server."""
    with psycopg.connect(lab["good"].uri(sslmode="require"), autocommit=True) as admin:
        admin.execute(f"create database {database}")
    tls = {"sslmode": "verify-full", "sslrootcert": str(ca)}
    pooler, server = (each.uri(**tls).replace("/postgres?", f"/{database}?") for each in (bouncer, lab["good"]))
    return {"DATABASE_URL": pooler, "DIRECT_URL": server, "ENVCONN_POOL_MODE": "transaction"}


def transactions(bouncer: Bouncer, database: str) -> int:
    """Return how many the pooler has carried for a database."""
    return sum(int(str(row["xact_count"])) for row in bouncer.show("STATS_TOTALS") if row["database"] == database)


def words(page: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def migrate(site: Site, environ: dict[str, str]) -> None:
    done = site.manage("migrate", **environ)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stderr.startswith(TOLD)
    assert done.stdout.count("... OK\n") > 100


def wagtail(directory: Path, installed: Path) -> Site:
    """Return a project as Wagtail's own command makes it."""
    subprocess.run([installed / "bin" / "wagtail", "start", "shop", directory], check=True, capture_output=True)
    with (directory / "shop" / "settings" / "base.py").open("a", encoding="utf-8") as settings:
        settings.write(LINES)
    return Site(directory, installed, "shop.settings.base", "shop.wsgi")


def test_wagtail(applications: Path, tmp_path: Path, bouncer: Bouncer, lab: Lab, certificates: Certificates) -> None:
    site = wagtail(tmp_path, applications)
    environ = variables("wagtail", bouncer, lab, certificates.ca)
    stranger = {
        name: text.replace(quote(str(certificates.ca), ""), str(certificates.other_ca))
        for name, text in environ.items()
    }
    refused = site.manage("migrate", **stranger)
    assert refused.returncode == 1
    assert "certificate verify failed" in refused.stderr
    migrate(site, environ)
    assert transactions(bouncer, "wagtail") == 0
    assert site.manage(*CREATE_ADMIN, **environ, **ADMIN).returncode == 0
    assert (carried := transactions(bouncer, "wagtail")) > 0
    with site.serving(**environ) as visitor:
        assert "Welcome to your new Wagtail site" in visitor.page("/")
        assert "Dashboard" in visitor.submit("/admin/login/", {"username": "admin", "password": "of the site"})
        visitor.submit("/admin/pages/add/home/homepage/3/", NEWS)
        assert "News" in visitor.page("/search/?query=news")
        assert words(visitor.page("/news/")).startswith("News")
    assert transactions(bouncer, "wagtail") > carried + 10


NO_COMMENTS = {"comments-TOTAL_FORMS": "0", "comments-INITIAL_FORMS": "0"}
NEWS = {"title": "News", "slug": "news", "action-publish": "action-publish", **NO_COMMENTS}


def oscar(directory: Path, installed: Path) -> Site:
    """Return a project with the settings of django-oscar's documentation."""
    for name in ("shop", "media"):
        (directory / name).mkdir()
    files = {"settings": SETTINGS + LINES, "urls": URLS, "wsgi": WSGI}
    for name, text in files.items():
        (directory / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    return Site(directory, installed, "shop.settings", "shop.wsgi")


SETTINGS = """
import oscar
from oscar.defaults import *

INSTALLED_APPS = [*oscar.INSTALLED_APPS, "sorl.thumbnail"]
SITE_ID = 1
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ],
        },
    },
]
AUTHENTICATION_BACKENDS = ["oscar.apps.customer.auth_backends.EmailBackend"]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
ROOT_URLCONF = "shop.urls"
STATIC_URL = "/static/"
MEDIA_ROOT = "media"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
"""
URLS = """
from django.apps import apps
from django.urls import include, path

urlpatterns = [path("i18n/", include("django.conf.urls.i18n")), path("", include(apps.get_app_config("oscar").urls[0]))]
"""
WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
GOODS = """
from django.contrib.auth import get_user_model
from oscar.test.factories import create_product
get_user_model().objects.create_superuser("admin", "admin@example.com", "of the site")
create_product(title="Tea", price=5, num_in_stock=3)
"""


def test_oscar(applications: Path, tmp_path: Path, bouncer: Bouncer, lab: Lab, certificates: Certificates) -> None:
    site = oscar(tmp_path, applications)
    environ = variables("oscar", bouncer, lab, certificates.ca)
    migrate(site, environ)
    assert transactions(bouncer, "oscar") == 0
    done = site.manage("shell", "-c", GOODS, **environ)
    assert done.returncode == 0, done.stderr
    assert (carried := transactions(bouncer, "oscar")) > 0
    with site.serving(**environ) as visitor:
        assert "Tea" in visitor.page("/search/?q=tea")
        assert "2 copies of Tea" in words(visitor.submit("/catalogue/tea_1/", {"quantity": "2"}, to="/basket/add/1/"))
        form = {"login-username": "admin@example.com", "login-password": "of the site", "login_submit": "Log In"}
        assert "Welcome admin@example.com" in words(visitor.submit("/accounts/login/", form))
        assert "merged 2 items from a previous session" in words(visitor.page("/basket/"))
        assert "Tea" in visitor.page("/dashboard/catalogue/")
    assert transactions(bouncer, "oscar") > carried + 10

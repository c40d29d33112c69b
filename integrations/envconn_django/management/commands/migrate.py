"""``manage.py migrate``, by the direct endpoint if the database is behind a pooler."""

from django.core.management.commands import migrate

from envconn_django.direct_endpoint import UsesDirectEndpoint


class Command(UsesDirectEndpoint, migrate.Command):
    """Django's command."""

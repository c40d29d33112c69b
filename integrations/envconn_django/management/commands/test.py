"""``manage.py test``, by the direct endpoint if the database is behind a pooler."""

from django.core.management.commands import test

from envconn_django.direct_endpoint import UsesDirectEndpoint


class Command(UsesDirectEndpoint, test.Command):
    """Django's command."""

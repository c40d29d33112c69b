"""The page: how many visits there were, and how the server sees the connection that counted them."""

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from .models import Visit

QUERY = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"


def count(request: HttpRequest) -> JsonResponse:
    """Count this visit."""
    Visit.objects.create(path=request.path)
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        ssl, version = cursor.fetchone()
    return JsonResponse({"visits": Visit.objects.using("default").count(), "ssl": ssl, "version": version})


urlpatterns = [path("", count)]

"""What is kept."""

from django.db import models


class Visit(models.Model):
    """One visit of the page."""

    path = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.path} at {self.at}"

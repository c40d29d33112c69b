"""What Celery is given: the settings for a broker and a place for results, and which services these are."""

from envconn.drivers.celery.choice import Result, choose
from envconn.drivers.celery.settings import Settings, settings

__all__ = ["Result", "Settings", "choose", "settings"]

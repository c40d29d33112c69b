"""A module for each of Django's commands that `envconn` adds something to."""

"""What stays while the environment changes under a running process: how to read it again, and what is in use."""

from envconn.rotation.kept import Kept, Reading, View
from envconn.rotation.reading import reader

__all__ = ["Kept", "Reading", "View", "reader"]

"""What stays while the environment changes under a running process: how to read it again, and what is in use."""

from envconn.rotation.reload import CurrentAssembly, Snapshot, View, reader

__all__ = ["CurrentAssembly", "Snapshot", "View", "reader"]

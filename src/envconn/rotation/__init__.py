"""Reading the environment again while a process runs, and what is in use meanwhile."""

from envconn.rotation.reload import CurrentAssembly, Snapshot, View, reader

__all__ = ["CurrentAssembly", "Snapshot", "View", "reader"]

"""Read the environment again while a process runs, and keep what is in use meanwhile."""

from envconn.rotation.reload import CurrentAssembly, Place, Snapshot, reader

__all__ = ["CurrentAssembly", "Place", "Snapshot", "reader"]

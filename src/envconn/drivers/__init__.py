"""The arguments of each driver for a judged connection, by version. Nothing here connects or decides."""

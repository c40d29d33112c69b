"""How each driver spells a judged connection, by version. Nothing here connects, or decides."""

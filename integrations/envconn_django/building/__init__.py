"""The ENGINE of a database that is not there, because an image is being built."""

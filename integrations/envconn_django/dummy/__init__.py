"""The ENGINE of a missing database while an image is built."""

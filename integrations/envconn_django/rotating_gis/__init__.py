"""The same ENGINE with PostGIS."""

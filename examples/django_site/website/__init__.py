"""A site of one page, which counts its visits."""

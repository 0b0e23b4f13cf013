"""One reader per kind of file: bytes in, sheets or pieces out. A reader knows nothing of sources, ids or languages' words."""

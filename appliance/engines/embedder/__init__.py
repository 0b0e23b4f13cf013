"""Embedders: from a text to a point among others of like meaning."""

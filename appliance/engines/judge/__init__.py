"""Judges: how far a sentence is supported by the passages it cites."""

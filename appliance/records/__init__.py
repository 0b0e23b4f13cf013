"""The words of the field: frozen values that every other room speaks in, and the events that change the state.

Nothing here does anything. A record is immutable, compares by value and encodes to JSON with msgspec.
"""

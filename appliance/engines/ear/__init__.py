"""Ears: from a clip of sound to the words that were spoken, and no others."""

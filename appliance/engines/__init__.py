"""The heavy models behind small protocols: writer, ear, embedder, judge; each with a stub twin.

What an engine says is advice. It gets values and gives values, and what it gives is checked by the desk before anything happens.
"""

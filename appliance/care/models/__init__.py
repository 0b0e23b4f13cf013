"""Bringing models to this machine and looking after them: from the hub, from a folder or an archive, from the other machine.

A model is gathered in a folder of its own below ``.partial``, each file is compared with its digest, and only then does the whole take
its place on the shelf in one step. What was gathered before a failure stays, and the next try goes on from there. Nothing here is ever
begun by itself: a person asks for it, and has accepted the licence.
"""

"""What the panel asks of a node, topic by topic; ``panel/door.py`` is all of it."""

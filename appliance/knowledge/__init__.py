"""What the company knows: sources become passages, passages are searched and cited, an edit is live with a diff.

``library.Library`` is the door. A source is read by the reader of its kind (``reading.READERS``) into pieces; pieces become
passages with lasting ids; the passages of all sources stand on one immutable shelf, which is replaced as a whole.
"""

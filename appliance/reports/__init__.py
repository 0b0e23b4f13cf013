"""Numbers for people. Reads, counts, and changes nothing."""

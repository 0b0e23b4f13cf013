"""The machine underneath: clock, ids, atomic files, scrubbed log, fault points, error root."""

"""The pair in seeded worlds: clock, network, disk and people are faked, the rules are the real ones."""

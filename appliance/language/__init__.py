"""Which language a text is in, and plain words out of messy text. Pure but for the detector, which is loaded on first use."""

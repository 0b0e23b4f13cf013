"""The voice: how a clip of sound arrives, whoever brings it. A reply to one leaves by mail."""

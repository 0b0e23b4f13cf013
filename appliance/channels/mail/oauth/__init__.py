"""Signing in at Microsoft 365 and Google: a code typed on their own page once (RFC 8628), tokens renewed from then on (RFC 6749, 6)."""

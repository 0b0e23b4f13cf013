"""Signing in: which mechanism, and the bytes it sends. The same for IMAP and SMTP.

LOGIN and PLAIN (RFC 4616) send the password; XOAUTH2 (Google's and Microsoft's) sends an access token. Where a server says
no to a token it first sends a challenge that tells why, and waits for an empty answer before it says so.
"""

from collections.abc import Callable, Iterable

from appliance.channels.mail.accounts import Mechanism


class NoMechanism(Exception):
    """The server offers no way to sign in as asked; the text names what it offers."""


def choose(wanted: Mechanism, offered: Iterable[str], bare_login: bool) -> str:
    """The mechanism to use: ``PLAIN``, ``LOGIN``, ``XOAUTH2``, or ``""`` for IMAP's bare LOGIN command.

    ``offered``: the SASL mechanisms the server lists. ``bare_login``: there is a LOGIN command outside of SASL that it has not
    disabled. PLAIN goes first: unlike the bare command it can carry any character.
    """
    names = {name.upper() for name in offered}
    preference = {"password": ("PLAIN", "LOGIN"), "plain": ("PLAIN",), "login": ("LOGIN",), "xoauth2": ("XOAUTH2",)}[wanted]
    if wanted == "login" and bare_login:
        return ""
    for name in preference:
        if name in names:
            return name
    if wanted == "password" and bare_login:
        return ""
    raise NoMechanism(", ".join(sorted(names)) or "none")


def responder(mechanism: str, user: str, secret: str) -> Callable[[bytes], bytes]:
    """Answers the server's challenges, one call each, in raw bytes before base64."""
    answers = {
        "PLAIN": [f"\0{user}\0{secret}"],
        "LOGIN": [user, secret],
        "XOAUTH2": [f"user={user}\1auth=Bearer {secret}\1\1"],
    }[mechanism]
    left = iter([answer.encode("utf-8") for answer in answers])

    def respond(_challenge: bytes) -> bytes:
        return next(left, b"")

    return respond

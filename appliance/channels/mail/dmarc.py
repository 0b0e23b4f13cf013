"""Whether the receiving server vouches for the sender's domain (RFC 8601, RFC 7489).

Anybody can write an ``Authentication-Results`` field into a mail. Ours is told from theirs by two things. It carries the
authserv-id that was configured; without one, nothing is believed. And our server adds its own on top of everything that
came with the mail, so only the topmost unbroken run of that name counts: another one further down, below a ``Received``
line, was in the mail when it came.

This assumes that the configured server judges every mail from outside, as RFC 8601, 5 asks of it. A server that judges
only some of them would let a forged field through on the others; such a server must not be named in the settings.
"""

import re

from appliance.channels.mail.headers import Head, unfold
from appliance.records.message import Address, Trust

_COMMENT = re.compile(r"\([^()]{0,500}\)")
_RESULT = re.compile(r"^\s*dmarc\s*=\s*([a-z]+)", re.IGNORECASE)
_FROM_DOMAIN = re.compile(r"\bheader\.from\s*=\s*\"?(?:[^\s;@\"]*@)?([^\s;\"]+)", re.IGNORECASE)


def trust(head: Head, sender: Address, authserv_id: str) -> Trust:
    """What the server that we were told to believe says of the sender's domain. One contradiction is a failure."""
    if not authserv_id:
        return Trust.ABSENT
    verdicts = [verdict for field in _topmost_run(head, authserv_id) for verdict in _verdicts(field)]
    if not verdicts:
        return Trust.ABSENT
    if any(result == "fail" for result, _ in verdicts):
        return Trust.FAILED
    if any(result != "pass" for result, _ in verdicts):
        return Trust.ABSENT
    domain = sender.address.rpartition("@")[2].lower()
    # The server judged a From. When this reader sees another one, somebody plays the two against each other.
    if head.count("from") != 1 or not domain or any(judged and not _same(judged, domain) for _, judged in verdicts):
        return Trust.FAILED
    return Trust.PASSED


def _topmost_run(head: Head, authserv_id: str) -> list[str]:
    """The fields of that server that stand together on top, other fields between them allowed, but no ``Received``."""
    run: list[str] = []
    for field in head.fields:
        if field.name == "authentication-results":
            body = _COMMENT.sub(" ", unfold(field.body))
            if _author(body) == authserv_id.strip().lower():
                run.append(body)
        elif field.name == "received" and run:
            break
    return run


def _author(body: str) -> str:
    """The authserv-id: the first word; a version number may stand behind it."""
    words = body.partition(";")[0].split()
    return words[0].strip("\"'").lower() if words else ""


def _verdicts(body: str) -> list[tuple[str, str]]:
    """Each DMARC result of a field with the domain it was reached for ("" when it does not say)."""
    found = []
    for statement in body.split(";")[1:]:
        result = _RESULT.match(statement)
        if result is not None:
            domain = _FROM_DOMAIN.search(statement)
            found.append((result.group(1).lower(), domain.group(1).lower() if domain else ""))
    return found


def _same(judged: str, domain: str) -> bool:
    """The very domain, or one of which it is a part: some servers name the organisation's domain."""
    return domain == judged or domain.endswith(f".{judged}")

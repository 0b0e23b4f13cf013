"""Claiming mail in a shared mailbox: a keyword, set under a condition, read back.

Two readers of one mailbox must not both answer a mail. Moving it is no lock: two clients can both be told OK. A conditional
STORE is nearly one: the server sets the flag only when the mail has not changed since the mod-sequence that we saw (RFC 7162,
3.1.3), and whoever comes second is told MODIFIED. Nearly, because not every server checks and sets in one step: of 200 races
begun at the same moment on Dovecot 2.3.19, 5 to 34 had two winners. So each claimant also sets a keyword of its own
(``$tandem-a``) in the same command, and reads back. Changes to one mail are made one after the other, so whoever was second
sees both keywords, and knows that it has lost.

The tie-break is fixed: in doubt the other one has it, and the mail waits for a person rather than being answered twice. So a
mail is ours only when the condition held *and* our keywords are there when read back *and* nobody else's. It is lost when a
claim was there already, when the mail is gone, or when it keeps changing under our hands. When both were so quick that both
see both, nobody has it, and a person does. Another flag that somebody set meanwhile (a colleague opened the mail) is no
claim: the mail is tried again with its new mod-sequence.

Without CONDSTORE the flags are set plainly after one more look; the reading back decides alone. It rests on the server telling
each client at once what the other did, so there only one node may read the mailbox, which the lease sees to.

A handful of keywords and no more, without a term in them: Dovecot's maildir holds 26 in a folder.
"""

from collections.abc import Mapping

from appliance.channels.mail.imap_session import Glance, Session

CLAIM = b"$tandem"
_CLAIMANT = b"$tandem-"
ROUNDS_MAX = 5


def carries_claim(glance: Glance) -> bool:
    """Whether anybody has claimed the mail, ourselves included."""
    return any(flag == CLAIM or flag.startswith(_CLAIMANT) for flag in glance.flags)


def by_modseq(glances: Mapping[int, Glance]) -> dict[int | None, list[int]]:
    """The UIDs in groups of one mod-sequence, each of which one command can ask for."""
    groups: dict[int | None, list[int]] = {}
    for uid, glance in sorted(glances.items()):
        groups.setdefault(glance.modseq, []).append(uid)
    return groups


def claim(session: Session, seen: Mapping[int, Glance], *, condstore: bool) -> frozenset[int]:
    """Claim the mails as they were seen, without a claim; returns those that are not ours for certain."""
    claimant = session.account.claimant.encode("ascii").lower()
    flags = (CLAIM, _CLAIMANT + claimant) if claimant else (CLAIM,)
    taken = _under_condition(session, dict(seen), flags) if condstore else _plainly(session, dict(seen), flags)
    return frozenset(seen) - _read_back(session, taken, flags)


def _under_condition(session: Session, left: dict[int, Glance], flags: tuple[bytes, ...]) -> set[int]:
    taken: set[int] = set()
    for _ in range(ROUNDS_MAX):
        if not left:
            break
        modified = session.add_flags(by_modseq(left), flags)
        taken |= left.keys() - modified
        now = session.glance(modified & left.keys(), modseq=True) if modified else {}
        left = {uid: glance for uid, glance in now.items() if not carries_claim(glance)}
    return taken


def _plainly(session: Session, seen: dict[int, Glance], flags: tuple[bytes, ...]) -> set[int]:
    session.alive()  # so that the look shows what others did meanwhile
    now = session.glance(seen.keys(), modseq=False)
    free = [uid for uid, glance in sorted(now.items()) if not carries_claim(glance)]
    if free:
        session.add_flags({None: free}, flags)
        session.alive()
    return set(free)


def _read_back(session: Session, uids: set[int], flags: tuple[bytes, ...]) -> frozenset[int]:
    """Those that carry our claim now, and nobody else's."""
    now = session.glance(uids, modseq=False) if uids else {}
    return frozenset(uid for uid, glance in now.items() if _claims(glance) == frozenset(flags))


def _claims(glance: Glance) -> frozenset[bytes]:
    return frozenset(flag for flag in glance.flags if flag == CLAIM or flag.startswith(_CLAIMANT))

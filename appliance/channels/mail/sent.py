"""Finding a reply again that was under way when we died.

It is looked for in the Sent folder (SPECIAL-USE, RFC 6154, else the usual names), where some servers put what they send, and
in the inbox, where the copy to self arrives. By Message-ID and, since some servers rewrite those, by X-Tandem-Key.
"""

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.errors import FolderClosed, FolderMissing
from appliance.channels.mail.imap_session import Session
from appliance.channels.mail.special import folders_for


def find_sent(account: ImapAccount, message_id: str, key: str) -> bool:
    """Whether the mail lies in one of the places. Raises ``MailboxError`` when none could be looked at."""
    session = Session(account)
    try:
        places = (*folders_for("Sent", session.folders()), account.folder)
        return any(_lies_in(session, folder, message_id, key) for folder in dict.fromkeys(places))
    finally:
        session.log_out()


def _lies_in(session: Session, folder: str, message_id: str, key: str) -> bool:
    try:
        session.open(folder, reading_only=True)
    except (FolderMissing, FolderClosed):
        return False
    searches = (("Message-ID", message_id), ("X-Tandem-Key", key))
    return any(session.search_header(name, value) for name, value in searches if value)

"""Conversations of the chat: begun, handed to a person, ended. Their messages are cases like any other."""

from appliance.records.events import ChatAddressGiven, ChatClosed, ChatOpened, PersonWanted
from appliance.store.effects.tables import RETIRE, Tables, case_no

WANTED = "customer_asked_for_person"

_CHAT = "INSERT INTO chats (id, digest, language, opened_at, person_at, closed_at, address) VALUES (?, ?, ?, ?, 0, 0, 0)"


def chat_opened(to: Tables, event: ChatOpened) -> None:
    to.execute(_CHAT, (event.session, event.digest, event.language, event.at))


def chat_closed(to: Tables, event: ChatClosed) -> None:
    to.execute("UPDATE chats SET closed_at = ? WHERE id = ?", (event.at, event.session))


def person_wanted(to: Tables, event: PersonWanted) -> None:
    """The newest message goes to a person, whatever was about to leave for it."""
    to.execute("UPDATE chats SET person_at = ? WHERE id = ?", (event.at, event.session))
    if event.case:
        no = case_no(event.case)
        to.execute("UPDATE cases SET state = 'review', changed_at = ?, reason = ? WHERE no = ?", (event.at, WANTED, no))
        to.execute(RETIRE, (event.at, WANTED, no))
        to.line(no)


def chat_address_given(to: Tables, event: ChatAddressGiven) -> None:
    """The body beside it is the address."""
    to.execute("UPDATE chats SET address = ? WHERE id = ?", (to.body(0), event.session))
    to.line(case_no(event.case))

"""What a customer's page may tell a node to do, and what people may do about a conversation.

A customer is nobody the appliance knows: whoever calls for them has looked at the conversation's secret first (``chat_session``)
and names the conversation. What a customer may say, and how much, is decided here and in the store.
"""

import threading
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from appliance.channels.chat import arrivals, replies
from appliance.desk.holds import GREETING
from appliance.ground.errors import Refused
from appliance.node.control import command
from appliance.node.forward import leads
from appliance.node.topic import Topic
from appliance.records.case import CaseState
from appliance.records.chat import ChatEntry, ChatState, ChatView
from appliance.records.person import Actor
from appliance.settings.hours import opens_next
from appliance.store.chats import ChatLimits, Said, Standing

ENTRIES_MOST = 60  # messages of a conversation that a page shows, with their replies
WAIT_SECONDS_MOST = 25.0
WAITING_MOST = 3

_MAY_WAIT = threading.BoundedSemaphore(WAITING_MOST)
_UNDER_WAY = (ChatState.RECEIVED, ChatState.READING, ChatState.CHECKING)

_STATES: dict[CaseState | None, ChatState] = {
    None: ChatState.NEW,
    CaseState.ARRIVED: ChatState.RECEIVED,
    CaseState.LISTENING: ChatState.RECEIVED,
    CaseState.WAITING: ChatState.RECEIVED,
    CaseState.CLAIMED: ChatState.READING,
    CaseState.REPLYING: ChatState.CHECKING,
    CaseState.REPLIED: ChatState.ANSWERED,
    CaseState.CLOSED: ChatState.SEEN,
}


class ChatCommands(Topic):
    """The chat's part of a node's commands."""

    # For a customer

    @leads
    def chat_open(self, language: str = "") -> dict[str, str]:
        """A new conversation: its id, and its secret, which is told this once."""
        self._must_take_in()
        session, secret = self._node.store.chats.open(language, term=self._node.term)
        return {"session": session, "secret": secret}

    def chat_session(self, secret: str) -> str:
        """Which open conversation this is the secret of; "" when none."""
        return self._node.store.chats.session_of(secret, self._chat_limits())

    @leads
    def chat_say(self, session: str, text: str, key: str, name: str = "") -> str:
        """Take in what a customer wrote; its case. The same ``key`` is the same message, sent once more."""
        self._must_take_in()
        words, most = arrivals.cleaned(text), self._node.settings.chat.message_characters
        if not words:
            raise Refused("The message is empty.", "Write something.")
        if len(words) > most:
            raise Refused(f"The message is longer than {most} characters.", "Shorten it, or send it in parts.")
        if not arrivals.is_key(key):
            raise Refused("The message's key is not of the right form.", "Use 8 to 64 letters and digits.")
        arrival = arrivals.arrival(session, key, words, name, self._node.clock.now())
        return self._node.store.chats.say(arrival, self._chat_limits(), term=self._node.term).case

    def chat_view(self, session: str) -> ChatView:
        """The conversation as the customer sees it."""
        node = self._node
        position = node.store.position  # before the rest, which is then at least as new
        standing = node.store.chats.standing(session)
        said = node.store.chats.transcript(session, ENTRIES_MOST)
        return ChatView(
            session=session,
            state=state_of(standing),
            entries=tuple(self._entry(one) for one in said),
            language=standing.language,
            case=standing.case,
            position=position,
            wants_person=standing.wants_person,
            closed=standing.closed,
            has_address=standing.has_address,
            opens_at=self._opens_at() if state_of(standing) is ChatState.PERSON else 0.0,
        )

    @leads
    def chat_ask_for_person(self, session: str) -> None:
        """From now on a person answers in this conversation."""
        self._node.store.chats.want_person(session, term=self._node.term)

    @leads
    def chat_leave_address(self, session: str, address: str) -> None:
        """Keep a mail address for a later answer."""
        if not replies.is_address(address.strip()):
            raise Refused("This is not a mail address.", "Write it as name@example.com.")
        self._node.store.chats.give_address(session, address.strip(), term=self._node.term)

    @leads
    def chat_end(self, session: str) -> None:
        """The customer ends the conversation."""
        self._node.store.chats.close(session, arrivals.MAILBOX, term=self._node.term)

    # News

    def chat_news(self, seen: int, seconds: float) -> int:
        """Return when something about any conversation may have changed since ``seen``, or after so many seconds; the new count."""
        return self._node.store.chats.news.wait(seen, min(seconds, WAIT_SECONDS_MOST))

    def chat_marks(self, sessions: tuple[str, ...]) -> dict[str, str]:
        """Of each conversation a mark that changes whenever something about it does."""
        return self._node.store.chats.marks(sessions)

    def chat_wait(self, session: str, case: str, seconds: float) -> ChatView:
        """The conversation once this case is answered or with a person, or as it is after so many seconds.

        When too many wait already it is given as it is at once: whoever waits holds a thread of the server.
        """
        if not _MAY_WAIT.acquire(blocking=False):
            return self.chat_view(session)
        try:
            return self._once_decided(session, case, min(seconds, WAIT_SECONDS_MOST))
        finally:
            _MAY_WAIT.release()

    def _once_decided(self, session: str, case: str, seconds: float) -> ChatView:
        clock, ends = self._node.clock, self._node.clock.elapsed() + seconds
        while True:
            seen = self.chat_news(-1, 0.0)
            view = self.chat_view(session)
            left = ends - clock.elapsed()
            if view.case != case or view.state not in _UNDER_WAY or left <= 0 or self._node.stop.is_set():
                return view
            self.chat_news(seen, left)

    # For people and programs

    @command
    def chat_of(self, actor: Actor, case: str) -> dict[str, Any]:
        """The conversation that a case belongs to: ``session, wants_person, closed, address``; empty when it is no chat's."""
        self._allow(actor, "see_cases")
        chats = self._node.store.chats
        session = chats.session_of_case(case)
        if not session:
            return {}
        standing = chats.standing(session)
        over = self._node.clock.now() - standing.opened_at >= self._chat_limits().session_seconds
        return {
            "session": session,
            "wants_person": standing.wants_person,
            "closed": standing.closed or over,
            "address": chats.address(session),
        }

    @command
    @leads
    def close_chat(self, actor: Actor, session: str) -> None:
        """Somebody of the company ends the conversation; the customer's next message begins a new one, which the desk answers."""
        self._allow(actor, "close_chat")
        self._node.store.chats.close(session, actor.name, term=self._node.term)

    def _must_take_in(self) -> None:
        if not (self._node.standing.may_act() and self._node.store.switches().intake_enabled):
            raise Refused("The chat takes nothing in at the moment.", "Try again later.")

    def _chat_limits(self) -> ChatLimits:
        said = self._node.settings.chat
        return ChatLimits(
            messages_per_minute=said.messages_per_minute, messages_per_day=said.messages_per_day, session_hours=said.session_hours
        )

    def _entry(self, said: Said) -> ChatEntry:
        if said.draft is None:
            return ChatEntry(id=said.id, who=said.who, text=said.text, at=said.at)
        passages = (self._node.library.passage(citation.passage) for citation in said.draft.citations)
        titles = dict.fromkeys(passage.title or passage.source for passage in passages if passage is not None)
        return ChatEntry(id=said.id, who=said.who, text=replies.spoken(said.draft), at=said.at, sources=tuple(titles))

    def _opens_at(self) -> float:
        settings = self._node.settings
        now = datetime.fromtimestamp(self._node.clock.now(), UTC).astimezone(ZoneInfo(settings.panel.time_zone))
        opens = opens_next(settings.company.hours, now)
        return 0.0 if opens is None else opens.timestamp()


def state_of(standing: Standing) -> ChatState:
    """How far the newest message is. What the desk does not answer by itself is a person's."""
    if standing.wants_person and standing.state in (None, CaseState.CLOSED):
        return ChatState.PERSON
    if standing.state is CaseState.CLOSED and standing.reason == GREETING:
        return ChatState.GREETED
    return _STATES.get(standing.state, ChatState.PERSON)

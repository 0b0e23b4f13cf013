"""The chat: what a customer's page may tell the node, and what people may do about a conversation."""

from typing import Any, Protocol

from appliance.records.chat import ChatView
from appliance.records.person import Actor


class ChatDoor(Protocol):
    """Conversations. Whoever calls for a customer has looked at the conversation's secret with ``chat_session`` first."""

    def chat_open(self, language: str = "") -> dict[str, str]:
        """``session`` and ``secret`` of a new conversation."""
        ...

    def chat_session(self, secret: str) -> str:
        """Which open conversation this is the secret of; "" when none."""
        ...

    def chat_say(self, session: str, text: str, key: str, name: str = "") -> str:
        """The case that the message became. The same ``key`` is the same message, sent once more."""
        ...

    def chat_view(self, session: str) -> ChatView: ...

    def chat_ask_for_person(self, session: str) -> None: ...

    def chat_leave_address(self, session: str, address: str) -> None: ...

    def chat_end(self, session: str) -> None: ...

    def chat_news(self, seen: int, seconds: float) -> int:
        """Return when something about any conversation may have changed since ``seen``, or after so many seconds; the new count."""
        ...

    def chat_marks(self, sessions: tuple[str, ...]) -> dict[str, str]:
        """Of each conversation a mark that changes whenever something about it does."""
        ...

    def chat_wait(self, session: str, case: str, seconds: float) -> ChatView:
        """The conversation once this case is answered or with a person, or as it is after so many seconds."""
        ...

    def chat_of(self, actor: Actor, case: str) -> dict[str, Any]:
        """``session, wants_person, closed, address`` of the conversation that a case belongs to; empty when it is no chat's."""
        ...

    def close_chat(self, actor: Actor, session: str) -> None: ...

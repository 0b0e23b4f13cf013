"""The chat of a node that lives in memory: it keeps what is said and answers everything with one sentence."""

import msgspec

from appliance.ground.errors import Refused
from appliance.records.chat import ChatEntry, ChatState, ChatView
from appliance.records.person import Actor

REPLY = "We are open from nine to five."


class TwinChat:
    """Conversations by their id; a session's secret is its id with ``secret-`` before it."""

    chats: dict[str, ChatView]

    def _chat(self, session: str) -> ChatView:
        view = self._chats().get(session)
        if view is None or view.closed:
            raise Refused("There is no such conversation.", "Begin a new one.")
        return view

    def _chats(self) -> dict[str, ChatView]:
        if not hasattr(self, "chats"):
            self.chats = {}
        return self.chats

    def chat_open(self, language: str = "") -> dict[str, str]:
        session = f"s-{len(self._chats()) + 1:04}"
        self.chats[session] = ChatView(session=session, state=ChatState.NEW, language=language)
        return {"session": session, "secret": f"secret-{session}"}

    def chat_session(self, secret: str) -> str:
        view = self._chats().get(secret.removeprefix("secret-"))
        return view.session if secret.startswith("secret-") and view is not None and not view.closed else ""

    def chat_say(self, session: str, text: str, key: str, name: str = "") -> str:  # noqa: ARG002
        view = self._chat(session)
        said = (
            ChatEntry(id=key, who="customer", text=text, at=0.0),
            ChatEntry(id=f"r-{key}", who="desk", text=REPLY, at=0.0, sources=("Hours",)),
        )
        entries = (*view.entries, *said)[-20:]
        self.chats[session] = msgspec.structs.replace(view, entries=entries, case="c-000000000000000001", state=ChatState.ANSWERED)
        return "c-000000000000000001"

    def chat_view(self, session: str) -> ChatView:
        return self._chats()[session]

    def chat_wait(self, session: str, case: str, seconds: float) -> ChatView:  # noqa: ARG002
        return self._chat(session)

    def chat_ask_for_person(self, session: str) -> None:
        self.chats[session] = msgspec.structs.replace(self._chat(session), wants_person=True, state=ChatState.PERSON)

    def chat_leave_address(self, session: str, address: str) -> None:
        if "@" not in address:
            raise Refused("This is not a mail address.", "Write it as name@example.com.")
        self.chats[session] = msgspec.structs.replace(self._chat(session), has_address=True)

    def chat_end(self, session: str) -> None:
        self.chats[session] = msgspec.structs.replace(self._chat(session), closed=True)

    def chat_news(self, seen: int, seconds: float) -> int:  # noqa: ARG002
        return seen

    def chat_marks(self, sessions: tuple[str, ...]) -> dict[str, str]:
        return {session: str(self._chats().get(session)) for session in sessions}

    def chat_of(self, actor: Actor, case: str) -> dict[str, object]:  # noqa: ARG002
        return {}

    def close_chat(self, actor: Actor, session: str) -> None:  # noqa: ARG002
        self.chat_end(session)

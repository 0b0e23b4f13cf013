"""The chat over the panel's own API, for programs that carry a customer's words: a question in, the answer or who will give it."""

from typing import Annotated, Any, Literal

from litestar.params import Body, PathParameter
from msgspec import Meta

from appliance.ground.ids import new_id
from appliance.panel.doors.chat import ChatDoor
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.routes import does
from appliance.records.base import Record
from appliance.records.chat import ChatState, ChatView
from appliance.records.language import Code

Told = Literal["answered", "person", "greeted", "seen", "waiting"]
_TOLD: dict[ChatState, Told] = {
    ChatState.ANSWERED: "answered",
    ChatState.PERSON: "person",
    ChatState.GREETED: "greeted",
    ChatState.SEEN: "seen",
}


class ChatMessage(Record, forbid_unknown_fields=True):
    """What a customer says. Without a session a new one begins; ``id`` names the message, so that it may be sent twice and said once."""

    message: Annotated[str, Meta(min_length=1, max_length=20_000)]
    session: Annotated[str, Meta(max_length=64)] = ""
    id: Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]{8,64})?$")] = ""
    name: Annotated[str, Meta(max_length=80)] = ""
    language: Code | None = None
    wait_seconds: Annotated[int, Meta(ge=0, le=20)] = 10


class Cited(Record):
    """What a reply rests on."""

    title: str


class ChatAnswer(Record):
    """``answered`` with the reply, ``person`` when a person will answer, ``waiting`` when it is not decided yet.

    ``greeted``: the customer only said hello, and may be asked what they would like to know. ``seen``: a person has read it, and no
    answer is coming.
    """

    session: str
    case: str
    state: Told
    reply: str
    citations: list[Cited]
    language: str


class ChatClosing(Record):
    session: str
    closed: bool


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @does("/api/ai/chat", action="chat", summary="Say something for a customer, and wait for the answer")
    def chat(data: Annotated[ChatMessage, Body()]) -> ChatAnswer:
        return say(commands, data)

    @does("/api/v1/chats/{session:str}/close", action="close_chat", summary="End a customer's conversation")
    def close_chat(request: Call, session: Annotated[str, PathParameter(description="The conversation.")]) -> ChatClosing:
        commands.close_chat(actor_of(request), session)
        return ChatClosing(session=session, closed=True)

    return [chat, close_chat]


def say(commands: ChatDoor, said: ChatMessage) -> ChatAnswer:
    """Say it, wait, and tell how it stands."""
    session = said.session or commands.chat_open(said.language or "")["session"]
    case = commands.chat_say(session, said.message, said.id or new_id("k"), said.name)
    return answer_of(commands.chat_wait(session, case, said.wait_seconds), case)


def answer_of(view: ChatView, case: str) -> ChatAnswer:
    """The newest reply, when the newest message is answered."""
    answered = view.state is ChatState.ANSWERED
    reply = next((entry for entry in reversed(view.entries) if answered and entry.who != "customer"), None)
    return ChatAnswer(
        session=view.session,
        case=case,
        state=_TOLD.get(view.state, "waiting"),
        reply=reply.text if reply is not None else "",
        citations=[Cited(title=title) for title in reply.sources] if reply is not None else [],
        language=view.language,
    )

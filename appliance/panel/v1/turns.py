"""A client's messages as the desk takes them: the customer's and ours, with the question last."""

from collections.abc import Sequence
from typing import Protocol

from appliance.panel.v1.failures import invalid, unsupported
from appliance.panel.v1.fields import TEXT_CHARACTERS_MOST, Part
from appliance.records.asking import Turn

_TEXT = ("text", "input_text", "output_text")
_INSTRUCTIONS = ("system", "developer")  # passed over: what may be answered is decided by policy.toml


class Message(Protocol):
    @property
    def role(self) -> str: ...

    @property
    def content(self) -> str | list[Part] | None: ...


def text_of(content: str | list[Part] | None, place: str) -> str:
    """The words of a message. Raises a problem that names the part which is not text."""
    if isinstance(content, str):
        return content
    for number, part in enumerate(content or ()):
        if part.type not in _TEXT:
            raise unsupported(f"{place}.content[{number}]", f"A part of the type {part.type!r} cannot be read here.", "Send text.")
    return "\n".join(part.text for part in content or ())


def turns_of(messages: Sequence[Message], field: str) -> list[Turn]:
    """The conversation, oldest first. Raises a problem unless it ends with words of the user's."""
    turns: list[Turn] = []
    for number, message in enumerate(messages):
        place = f"{field}[{number}]"
        if message.role in ("tool", "function"):
            raise unsupported(f"{place}.role", "Answers of tools are not taken here.")
        words = text_of(message.content, place)
        if len(words) > TEXT_CHARACTERS_MOST:
            raise invalid(f"{place}.content", f"The message is longer than {TEXT_CHARACTERS_MOST} characters.", "Shorten it.")
        if message.role not in _INSTRUCTIONS:
            turns.append(Turn(who="customer" if message.role == "user" else "desk", text=words))
    if not turns or turns[-1].who != "customer":
        raise invalid(field, "The last message must be the user's: it is what is answered.", "Put the question last.")
    if not turns[-1].text.strip():
        raise invalid(f"{field}[{len(messages) - 1}].content", "The last message is empty.", "Write the question there.")
    return turns

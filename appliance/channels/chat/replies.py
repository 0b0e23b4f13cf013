"""What of a draft is said in a chat. Pure."""

import re

from appliance.records.answer import Draft

# Not all that RFC 5321 allows, but all that a customer types: a slip is more likely than a quoted local part.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
ADDRESS_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3


def spoken(draft: Draft) -> str:
    """The draft without the greeting and the closing of a letter, which nobody says between two lines of a chat."""
    text = draft.text.strip()
    for sentence in draft.sentences:
        if sentence.courtesy:
            text = text.removeprefix(sentence.text).removesuffix(sentence.text).strip()
    return text or draft.text.strip()


def is_address(text: str) -> bool:
    """Whether it can be a mail address."""
    return len(text) <= ADDRESS_CHARACTERS and _ADDRESS.fullmatch(text) is not None

"""The address of the customer whose words are to be destroyed, the same for the page and the API."""

import re

from appliance.panel.problems import Problem

# 64 characters before the sign, 255 after it (RFC 3696), and none that needs quoting: those are no addresses of customers.
ADDRESS_PATTERN = r"^[^\s\x85@<>\"(),;:/\x00-\x1f]{1,64}@[^\s\x85@<>\"(),;:/\x00-\x1f]{1,255}$"


def address_of(text: str) -> str:
    """The text as a mail address; its domain in lower case, as records have it."""
    text = text.strip()
    if not re.fullmatch(ADDRESS_PATTERN, text):
        raise Problem(400, "address", "This is no mail address.", "Write it as in anna@example.com.")
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"

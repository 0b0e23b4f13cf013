"""The company's own service that knows its customers, asked over HTTP at one configured address and nowhere else."""

from urllib.parse import urlencode

from appliance.knowledge.remote import Patience, SignIn, address_of, fetch

PATIENCE = Patience(silent_seconds=2.0, seconds=4.0, file_bytes=1_000_000, redirects=0)  # somebody waits on the telephone


def ask(base_url: str, told: dict[str, str], sign_in: SignIn, patience: Patience = PATIENCE) -> bytes:
    """What the service answers about a caller, as it came: ``GET base_url?address=…&telephone=…`` with what is known.

    Raises ``SourceUnreadable`` for whatever the network and the server may do; what it says shows no customer's words.
    """
    query = urlencode({key: value for key, value in told.items() if value})
    mark = "&" if "?" in base_url else "?"
    return fetch(address_of(f"{base_url}{mark}{query}" if query else base_url), sign_in, patience).content

"""A sign-in of a mailbox at its provider's own page."""

from enum import StrEnum

from appliance.records.base import Record


class SignInState(StrEnum):
    """Where it stands."""

    NOT_NEEDED = "not_needed"  # the mailbox signs in with a password
    NONE = "none"  # nobody has signed in yet
    WAITING = "waiting"  # the code was not typed yet
    SIGNED_IN = "signed_in"
    EXPIRED = "expired"  # nobody typed the code in time
    DENIED = "denied"  # the person, or an administrator, said no
    FAILED = "failed"  # the provider said something else: ``SignIn.code``
    ENDED = "ended"  # it was good once, and the provider has ended it


class SignIn(Record):
    """What a person sees of it: the code to type at the address, while there is one. ``code`` is why it did not come to be."""

    state: SignInState
    user_code: str = ""
    verification_uri: str = ""
    expires_seconds: int = 0
    signed_in_at: float = 0.0
    code: str = ""

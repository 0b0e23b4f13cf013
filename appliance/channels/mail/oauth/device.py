"""The device flow (RFC 8628) as a pure step: what we wait for and what we heard, to what we wait for next, or how it ended.

    begun(document)            what the person is shown, and when to ask
    heard(waiting, reply)      go on, more slowly where it is asked for; or the tokens; or why there will be none

Unlike an error of the provider's, a line that breaks ends nothing: it is asked again, twice as slowly (3.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

INTERVAL_SECONDS = 5.0  # where the provider names none (RFC 8628, 3.2), and by how much slower it may ask for (3.5)
INTERVAL_SECONDS_MAX = 60.0
LIFE_SECONDS_MAX = 3600.0
ACCESS_SECONDS = 3600.0  # an access token whose life is not told (RFC 6749, 5.1)


class Ending(StrEnum):
    """How a sign-in may end without tokens."""

    EXPIRED = "expired"  # nobody typed the code in time
    DENIED = "denied"  # the person, or an administrator, said no
    REFUSED = "refused"  # the provider said something else, named by its code


class NoDevice(ValueError):
    """The provider's answer holds no code to show. The text is its error's code, or what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A sign-in under way. Times are seconds of a clock that never jumps."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    interval_seconds: float
    ask_at: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The provider's tokens. ``refresh_token`` "": the one that we have stays good."""

    access_token: str = field(repr=False)
    expires_seconds: float
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """No tokens will come of it. ``code`` is the provider's error, such as ``unauthorized_client``."""

    how: Ending
    code: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered: its status and its JSON; ``None`` for ``document`` when nothing that can be read came."""

    status: int
    document: Mapping[str, Any] | None = None

    @property
    def error(self) -> str:
        """The error's code (RFC 6749, 5.2); "" when there is none."""
        return str((self.document or {}).get("error", ""))[:100]


def begun(reply: Reply, now: float) -> Waiting:
    """What the provider gave us to show. Raises ``NoDevice``."""
    document = reply.document or {}
    # Google's older endpoint says verification_url.
    uri = str(document.get("verification_uri") or document.get("verification_url") or "")
    device, user = str(document.get("device_code", "")), str(document.get("user_code", ""))
    if not (device and user and uri.startswith(("https://", "http://"))):
        raise NoDevice(reply.error or f"status {reply.status} without a code")
    interval = min(_seconds(document.get("interval"), INTERVAL_SECONDS), INTERVAL_SECONDS_MAX)
    life = min(_seconds(document.get("expires_in"), LIFE_SECONDS_MAX), LIFE_SECONDS_MAX)
    return Waiting(
        device_code=device, user_code=user, verification_uri=uri, interval_seconds=interval, ask_at=now + interval, until=now + life
    )


def heard(waiting: Waiting, reply: Reply, now: float) -> Waiting | Granted | Ended:
    """The next step after asking for the tokens."""
    if (tokens := granted(reply)) is not None:
        return tokens
    match reply.error:
        case "authorization_pending":
            return _again(waiting, waiting.interval_seconds, now)
        case "slow_down":
            return _again(waiting, waiting.interval_seconds + INTERVAL_SECONDS, now)
        case "expired_token" | "code_expired":
            return Ended(Ending.EXPIRED)
        case "access_denied" | "authorization_declined":
            return Ended(Ending.DENIED)
        case "":
            return _again(waiting, waiting.interval_seconds * 2, now)
        case code:
            return Ended(Ending.REFUSED, code)


def _again(waiting: Waiting, interval: float, now: float) -> Waiting | Ended:
    interval = min(interval, INTERVAL_SECONDS_MAX)
    if now + interval >= waiting.until:
        return Ended(Ending.EXPIRED)
    return replace(waiting, interval_seconds=interval, ask_at=now + interval)


def granted(reply: Reply) -> Granted | None:
    """The tokens in an answer; None when there are none."""
    document = reply.document or {}
    access = document.get("access_token")
    if reply.status != 200 or not isinstance(access, str) or not access:
        return None
    refresh = document.get("refresh_token")
    return Granted(
        access_token=access,
        expires_seconds=_seconds(document.get("expires_in"), ACCESS_SECONDS),
        refresh_token=refresh if isinstance(refresh, str) else "",
    )


def _seconds(value: Any, default: float) -> float:
    """A number of seconds above nothing; some providers write it as text."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return default
    return seconds if 0 < seconds < 1e9 else default

"""The tokens of one mailbox: a file of mode 0600 that several processes may use, and the access token that is good now.

Renewing happens under the file's lock, and whoever comes second reads what the first one got: a provider that gives a new refresh
token with each renewal (rotation) takes a second use of the old one for theft, and ends the sign-in. A new one is on disk
before anybody uses what came with it.
"""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from appliance.channels.mail import errors
from appliance.channels.mail.oauth.client import ask
from appliance.channels.mail.oauth.device import Granted, Reply, granted
from appliance.channels.mail.oauth.provider import Provider
from appliance.ground.clock import Clock
from appliance.ground.files import write_atomically
from appliance.ground.log import Log
from appliance.records.base import Record

EARLY_SECONDS = 300.0  # an access token is renewed this long before it ends
REFUSED_AGAIN_SECONDS = 60.0  # one that is refused this soon after it was renewed is not to blame
LOCK_SECONDS = 60.0
_LOCK_LOOK_SECONDS = 0.05
# What ends a sign-in for good (RFC 6749, 5.2; the others are Microsoft's and Google's). Everything else may be over tomorrow.
_ENDED = frozenset(("invalid_grant", "interaction_required", "consent_required", "unauthorized_client", "invalid_client"))

_log = Log("mail")


class Tokens(Record):
    """What lies in the file. Times are Unix seconds. Without a refresh token the sign-in has ended, for ``trouble``."""

    provider: str = ""
    client_id: str = ""
    access_token: str = ""
    expires_at: float = 0.0
    refresh_token: str = ""
    renewed_at: float = 0.0
    signed_in_at: float = 0.0
    trouble: str = ""


class TokenFile:
    """The file of one mailbox in the home. ``read`` needs no lock: it is replaced in one step."""

    def __init__(self, folder: Path, mailbox: str, clock: Clock) -> None:
        self.mailbox = mailbox
        self.clock = clock
        self.path = folder / f"{mailbox}.json"

    def read(self) -> Tokens | None:
        """What it holds; None when nobody has signed in. Raises ``SignInEnded`` when it cannot be used."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Tokens)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise _sign_in_anew(self.mailbox, f"its tokens in {self.path} cannot be read ({type(error).__name__})") from error

    def write(self, tokens: Tokens) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self.path, msgspec.json.encode(tokens))

    def remove(self) -> None:
        """Forget the tokens. A repeat does no harm."""
        with self.lock():
            self.path.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Alone among all threads and processes that use this file. Raises ``Unreachable`` when another one keeps it too long."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "ab") as file:
            if not self._locked(file.fileno()):
                remedy = "It is tried again by itself; see whether another tandem hangs."
                raise errors.Unreachable(self.mailbox, "another process has been renewing its sign-in for a minute.", remedy)
            yield

    def _locked(self, descriptor: int) -> bool:
        end = self.clock.elapsed() + LOCK_SECONDS
        never = threading.Event()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self.clock.elapsed() >= end:
                    return False
                self.clock.wait(never, _LOCK_LOOK_SECONDS)
            else:
                return True


class AccessTokens:
    """The access token of one mailbox, renewed when it is about to end or was refused."""

    def __init__(self, file: TokenFile, provider: Provider) -> None:
        self._file = file
        self._provider = provider
        self._clock = file.clock

    def current(self) -> str:
        """A token that is good for a while. Raises ``SignInEnded`` when somebody has to sign in, ``Unreachable`` when the
        provider does not answer and the old one is over."""
        tokens = self._usable()
        if self._lasts(tokens, EARLY_SECONDS):
            return tokens.access_token
        try:
            return self._renewed(lambda now: not self._lasts(now, EARLY_SECONDS)).access_token
        except (errors.Unreachable, errors.Untrusted):
            if self._lasts(tokens, 0.0):
                return tokens.access_token
            raise

    def refused(self, access_token: str) -> bool:
        """A server would not take this token: whether there is another one to try now."""
        tokens = self._usable()
        young = self._clock.now() - tokens.renewed_at < REFUSED_AGAIN_SECONDS
        if tokens.access_token != access_token:
            return True
        return not young and self._renewed(lambda now: now.access_token == access_token).access_token != access_token

    def _lasts(self, tokens: Tokens, seconds: float) -> bool:
        """Whether it is good for so long. One from the future is not believed: the clock was set back since."""
        now = self._clock.now()
        return bool(tokens.access_token) and tokens.renewed_at <= now < tokens.expires_at - seconds

    def _usable(self) -> Tokens:
        tokens = self._file.read()
        if tokens is None:
            raise _sign_in_anew(self._file.mailbox, "nobody has signed in to it yet")
        if tokens.client_id != self._provider.client_id or tokens.provider != self._provider.name:
            raise _sign_in_anew(self._file.mailbox, "its sign-in was made for another client_id or provider")
        if not tokens.refresh_token:
            raise _sign_in_anew(self._file.mailbox, tokens.trouble or "its sign-in has ended")
        return tokens

    def _renewed(self, is_needed: Callable[[Tokens], bool]) -> Tokens:
        """The tokens after a renewal; the lock was waited for, so somebody else may have made it meanwhile."""
        with self._file.lock():
            tokens = self._usable()
            if not is_needed(tokens):
                return tokens
            form = self._provider.refresh_request(tokens.refresh_token)
            reply = ask(self._file.mailbox, self._provider.token_url, form, self._provider.authorities)
            fresh = granted(reply)
            if fresh is None:
                raise self._not_renewed(tokens, reply)
            tokens = msgspec.structs.replace(
                tokens,
                access_token=fresh.access_token,
                expires_at=self._clock.now() + fresh.expires_seconds,
                refresh_token=fresh.refresh_token or tokens.refresh_token,
                renewed_at=self._clock.now(),
            )
            self._file.write(tokens)
            return tokens

    def _not_renewed(self, tokens: Tokens, reply: Reply) -> errors.MailboxError:
        """What the provider's no means. A sign-in that has ended is marked so, and not asked for again."""
        mailbox, name = self._file.mailbox, self._provider.name
        if reply.error not in _ENDED:
            what = reply.error or f"status {reply.status}"
            return errors.Unreachable(mailbox, f"{name} did not renew its sign-in ({what}).", "It is tried again by itself.")
        trouble = f"{name} has ended its sign-in ({reply.error})"
        self._file.write(msgspec.structs.replace(tokens, access_token="", refresh_token="", trouble=trouble))
        _log.warning("sign_in_ended", mailbox=mailbox, code=reply.error)
        return _sign_in_anew(mailbox, trouble)


def signed_in(provider: Provider, tokens: Granted, now: float) -> Tokens:
    """What is kept of a sign-in that has just been made."""
    return Tokens(
        provider=provider.name,
        client_id=provider.client_id,
        access_token=tokens.access_token,
        expires_at=now + tokens.expires_seconds,
        refresh_token=tokens.refresh_token,
        renewed_at=now,
        signed_in_at=now,
    )


def _sign_in_anew(mailbox: str, reason: str) -> errors.SignInEnded:
    return errors.SignInEnded(mailbox, f"{reason}.", f"Run: tandem mailbox sign-in {mailbox}")

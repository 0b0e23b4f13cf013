"""Sign-ins at a provider's own page: one under way for each mailbox at most, each in a thread that asks until it ends."""

import threading
from dataclasses import dataclass

from appliance.channels.mail.oauth import device
from appliance.channels.mail.oauth.client import ask
from appliance.channels.mail.oauth.device import Ended, Ending, Granted, NoDevice, Reply, Waiting
from appliance.channels.mail.oauth.provider import Provider
from appliance.channels.mail.oauth.tokens import TokenFile, signed_in
from appliance.ground.clock import Clock
from appliance.ground.errors import ChannelError, Refused
from appliance.ground.log import Log
from appliance.node.accounts import box_of, provider_of, token_file
from appliance.records.sign_in import SignIn, SignInState
from appliance.settings.model import Settings

log = Log("sign_in")

_NO_CODE = "{provider} gives no code for client_id {client} ({why})."
_CHECK_CLIENT = "Check mailbox.imap.client_id and tenant, and that the registration allows public clients (device flow)."
_STATES = {Ending.EXPIRED: SignInState.EXPIRED, Ending.DENIED: SignInState.DENIED, Ending.REFUSED: SignInState.FAILED}


@dataclass
class _UnderWay:
    """One sign-in, as its thread knows it."""

    provider: Provider
    file: TokenFile
    waiting: Waiting
    state: SignInState = SignInState.WAITING
    code: str = ""


class SignIns:
    """The sign-ins of one node. May be asked from any thread."""

    def __init__(self, settings: Settings, clock: Clock, stop: threading.Event) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._lock = threading.Lock()
        self._under_way: dict[str, _UnderWay] = {}

    def begin(self, mailbox: str) -> SignIn:
        """Ask the provider for a code that a person types on its page. One that is under way for this mailbox is given up."""
        box = box_of(self._settings, mailbox)
        provider = provider_of(box)
        if provider is None:
            raise Refused(
                f"Mailbox {mailbox} signs in with a password.", 'Set mailbox.imap.auth to "microsoft" or "google" to sign in there.'
            )
        reply = ask(mailbox, provider.device_url, provider.device_request(), provider.authorities)
        try:
            waiting = device.begun(reply, self._clock.elapsed())
        except NoDevice as why:
            raise Refused(_NO_CODE.format(provider=provider.name, client=provider.client_id, why=why), _CHECK_CLIENT) from None
        under_way = _UnderWay(provider, token_file(self._settings, mailbox, self._clock), waiting)
        with self._lock:
            self._under_way[mailbox] = under_way
        threading.Thread(target=self._follow, args=(mailbox, under_way), name=f"sign-in:{mailbox}", daemon=True).start()
        return self._shown(under_way)

    def state(self, mailbox: str) -> SignIn:
        """Where the sign-in of this mailbox stands: under way, how the last one ended, or what lies in the file."""
        box = box_of(self._settings, mailbox)
        with self._lock:
            under_way = self._under_way.get(mailbox)
        if under_way is not None:
            return self._shown(under_way)
        if provider_of(box) is None:
            return SignIn(state=SignInState.NOT_NEEDED)
        return self._as_kept(mailbox)

    def forget(self, mailbox: str) -> None:
        """Sign out: give up what is under way, and delete the tokens here. The provider is not told."""
        box_of(self._settings, mailbox)
        with self._lock:
            self._under_way.pop(mailbox, None)
            token_file(self._settings, mailbox, self._clock).remove()

    def _as_kept(self, mailbox: str) -> SignIn:
        tokens = token_file(self._settings, mailbox, self._clock).read()
        if tokens is None:
            return SignIn(state=SignInState.NONE)
        if not tokens.refresh_token:
            return SignIn(state=SignInState.ENDED, code=tokens.trouble)
        return SignIn(state=SignInState.SIGNED_IN, signed_in_at=tokens.signed_in_at)

    def _shown(self, under_way: _UnderWay) -> SignIn:
        waiting = under_way.waiting
        left = max(0.0, waiting.until - self._clock.elapsed()) if under_way.state is SignInState.WAITING else 0.0
        return SignIn(
            state=under_way.state,
            user_code=waiting.user_code,
            verification_uri=waiting.verification_uri,
            expires_seconds=round(left),
            code=under_way.code,
        )

    def _follow(self, mailbox: str, under_way: _UnderWay) -> None:
        """Ask until it ends, somebody begins anew, or the node stops."""
        while under_way.state is SignInState.WAITING:
            if self._clock.wait(self._stop, max(0.0, under_way.waiting.ask_at - self._clock.elapsed())):
                return
            reply = self._asked(mailbox, under_way)
            with self._lock:
                if self._under_way.get(mailbox) is not under_way:
                    return
                self._heard(mailbox, under_way, reply)

    def _asked(self, mailbox: str, under_way: _UnderWay) -> Reply:
        provider = under_way.provider
        try:
            return ask(mailbox, provider.token_url, provider.code_request(under_way.waiting.device_code), provider.authorities)
        except ChannelError as error:
            log.warning("provider_not_reached", mailbox=mailbox, reason=error.message)
            return Reply(0)

    def _heard(self, mailbox: str, under_way: _UnderWay, reply: Reply) -> None:
        match device.heard(under_way.waiting, reply, self._clock.elapsed()):
            case Waiting() as waiting:
                under_way.waiting = waiting
            case Granted(refresh_token=""):
                under_way.state, under_way.code = SignInState.FAILED, "no_refresh_token"
            case Granted() as tokens:
                with under_way.file.lock():
                    under_way.file.write(signed_in(under_way.provider, tokens, self._clock.now()))
                under_way.state = SignInState.SIGNED_IN
            case Ended(how, code):
                under_way.state, under_way.code = _STATES[how], code
        if under_way.state is not SignInState.WAITING:
            log.info("sign_in_ended", mailbox=mailbox, state=under_way.state, code=under_way.code)

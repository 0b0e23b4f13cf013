"""What stands beside a call on this node: the playbook, the briefs, the price list and what is known of the contacts, each kept live."""

import threading
from collections import OrderedDict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec

from appliance.desk import brief, contacts, cues, quote
from appliance.desk.heard import Heard
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.log import Log, Trouble
from appliance.knowledge import contact_service, plain_rows
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.remote import SignIn
from appliance.node.live_file import LiveFile, text_of
from appliance.records.call import Contact, Cue, Positioning
from appliance.records.voice import Caller
from appliance.settings.model import CallSettings, Settings
from appliance.settings.secret import read_secret

FRESH_SECONDS = 60.0  # an answer of the service is good for so long without asking again
KEPT_MOST = 500  # callers whose last answer is kept, in memory only
SILENT_SECONDS = 30.0  # after a failure the service is left alone for so long
ASKED_AT_ONCE = 2  # each is a thread of the panel's that waits; whoever comes while so many wait sees what is known already
FIELD_CHARACTERS = 320  # of what is told of a caller, as long as a mail address may be


class _Kept(NamedTuple):
    at: float
    contact: Contact


class CallDesk:
    """The company's own files for calls. Any thread may ask."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        call, home = settings.call, settings.home
        self.changing = threading.Lock()  # between a look at what is kept of a call and keeping it anew: two agents may be at one
        self._clock = clock
        self._zone = ZoneInfo(settings.panel.time_zone)
        self.playbook: LiveFile[tuple[cues.Rule, ...]] = LiveFile(home / call.playbook, "playbook", (), _playbook)
        self.briefs: LiveFile[tuple[brief.Brief, ...]] = LiveFile(home / call.brief, "brief", (), _briefs)
        self.prices: LiveFile[tuple[quote.Item, ...]] = LiveFile(home / call.prices, "prices", (), _prices)
        self.contacts: _Book = _Service(call, clock) if call.contacts_url else _Table(home / call.contacts)

    def said(self, heard: Heard, used: tuple[str, ...], briefs_used: tuple[str, ...]) -> tuple[tuple[Cue, ...], tuple[Positioning, ...]]:
        """The talking points and briefs that these words bring up."""
        points = cues.fresh(self.playbook(), heard, used)
        return points, brief.fitting(self.briefs(), heard, briefs_used, self.today())

    def today(self) -> date:
        """The company's own date."""
        return datetime.fromtimestamp(self._clock.now(), UTC).astimezone(self._zone).date()

    def contact(self, caller: Caller) -> Contact:
        """What is known of a caller; a failure stands in the contact, in words, and is never raised."""
        return self.contacts.find(caller)

    def faults(self) -> list[tuple[str, TandemError]]:
        """What is wrong with a file, as it is now: its name and why."""
        for file in (self.playbook, self.briefs, self.prices):
            file()
        named = [(file.path.name, file.fault) for file in (self.playbook, self.briefs, self.prices)]
        return [(name, fault) for name, fault in (*named, self.contacts.fault()) if fault is not None]


def _playbook(name: str, content: bytes) -> tuple[cues.Rule, ...]:
    return cues.load(text_of(name, content), name)


def _briefs(name: str, content: bytes) -> tuple[brief.Brief, ...]:
    return brief.load(text_of(name, content), name)


def _prices(name: str, content: bytes) -> tuple[quote.Item, ...]:
    return quote.prices(plain_rows.read_rows(name, content, quote.HEADINGS, ("code", "price")), name)


class _Book(Protocol):
    """Who knows the contacts: a file, or the company's own service."""

    def find(self, caller: Caller) -> Contact: ...

    def fault(self) -> tuple[str, TandemError | None]: ...


class _Table:
    """The contacts in a file of the company."""

    def __init__(self, path: Path) -> None:
        self._rows: LiveFile[plain_rows.Rows] = LiveFile(
            path, "contacts", (), lambda name, content: plain_rows.read_rows(name, content, contacts.HEADINGS, contacts.NEEDED)
        )

    def find(self, caller: Caller) -> Contact:
        rows = self._rows()
        contact = contacts.from_rows(rows, caller) if rows else Contact(caller=caller)
        fault = self._rows.fault
        return contact if fault is None else _told(contact, fault)

    def fault(self) -> tuple[str, TandemError | None]:
        self._rows()
        return self._rows.path.name, self._rows.fault


class _Service:
    """The contacts in the company's own service. Its last answers are kept in memory, and shown as old when it fails."""

    def __init__(self, call: CallSettings, clock: Clock) -> None:
        self._call = call
        self._clock = clock
        self._kept: OrderedDict[Caller, _Kept] = OrderedDict()
        self._silent_until = 0.0
        self._lock = threading.Lock()
        self._asking = threading.BoundedSemaphore(ASKED_AT_ONCE)
        self.trouble = Trouble(Log("call"), "contacts")

    def find(self, caller: Caller) -> Contact:
        if not any(msgspec.structs.astuple(caller)):
            return Contact(caller=caller)
        caller = Caller(**{key: value[:FIELD_CHARACTERS] for key, value in msgspec.structs.asdict(caller).items()})
        with self._lock:
            kept, failed = self._kept.get(caller), self.trouble.error
        now = self._clock.now()
        if kept is not None and 0 <= now - kept.at < FRESH_SECONDS:
            return kept.contact
        if failed is not None and now < self._silent_until:
            return self._fallen_back(caller, kept, failed)
        if not self._asking.acquire(blocking=False):
            return self._fallen_back(caller, kept, _busy())
        try:
            return self._asked(caller, kept, now)
        finally:
            self._asking.release()

    def _asked(self, caller: Caller, kept: _Kept | None, now: float) -> Contact:
        try:
            content = contact_service.ask(self._call.contacts_url, msgspec.structs.asdict(caller), self._sign_in())
            contact = msgspec.structs.replace(contacts.from_service(content, caller), at=now)
        except (TandemError, ValueError) as error:
            fault = error if isinstance(error, TandemError) else _nonsense()
            self._silent_until = now + SILENT_SECONDS
            self.trouble.broke(fault.message, error=fault)
            return self._fallen_back(caller, kept, fault)
        with self._lock:
            self._kept[caller] = _Kept(now, contact)
            self._kept.move_to_end(caller)
            while len(self._kept) > KEPT_MOST:
                self._kept.popitem(last=False)
        self.trouble.healed()
        return contact

    def _fallen_back(self, caller: Caller, kept: _Kept | None, fault: TandemError) -> Contact:
        """The last answer, marked as such; nothing when there never was one."""
        contact = Contact(caller=caller) if kept is None else msgspec.structs.replace(kept.contact, way="kept")
        return _told(contact, fault)

    def _sign_in(self) -> SignIn:
        call = self._call
        password = read_secret(call.contacts_password_file) if call.contacts_password_file is not None else ""
        return SignIn(call.contacts_user, password, str(call.contacts_authorities or ""))

    def fault(self) -> tuple[str, TandemError | None]:
        return "contacts_url", self.trouble.error


def _told(contact: Contact, fault: TandemError) -> Contact:
    code = fault.code or "contacts_unusable"
    return msgspec.structs.replace(contact, code=code, trouble=fault.message, remedy=fault.remedy)


def _busy() -> SourceUnreadable:
    return SourceUnreadable("source_unreachable", "The contact service has not answered others yet.", "Open the call again in a moment.")


def _nonsense() -> SourceUnreadable:
    told = "The contact service's answer is not as the help on the page Calls describes it."
    return SourceUnreadable("source_broken", told, "Correct the service, or name a file under [call] contacts instead.")

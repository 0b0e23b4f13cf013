"""A call under way at an agent's desk: what is known of the customer, what may be said, what was kept."""

from decimal import Decimal
from typing import Literal

from appliance.records.base import Record
from appliance.records.language import Code
from appliance.records.voice import Caller

DealingKind = Literal["job", "quote", "promotion"]
ReferenceWay = Literal["model", "keyword", "stub", "none"]
IndexKind = Literal["model", "stub", ""]


class Dealing(Record):
    """Something that the customer has with the company: a job done, a quote that is open, a promotion they may have.

    Everything is text as it stands in the company's own table; ``day`` is when it was, or until when it holds.
    """

    kind: DealingKind
    title: str
    day: str = ""
    state: str = ""
    amount: str = ""


class Contact(Record):
    """What the company knows of a caller. ``code`` names why nothing newer is known ("" when all is well), with its words.

    ``way`` says where it came from: ``file``, ``service``, ``kept`` (the service's last answer, as of ``at``) or ``none``.
    """

    caller: Caller = Caller()
    found: bool = False
    dealings: tuple[Dealing, ...] = ()
    way: Literal["file", "service", "kept", "none"] = "none"
    at: float = 0.0
    code: str = ""
    trouble: str = ""
    remedy: str = ""

    def of(self, kind: DealingKind) -> tuple[Dealing, ...]:
        """The dealings of one kind, in the table's order."""
        return tuple(one for one in self.dealings if one.kind == kind)


class Cue(Record):
    """A talking point for this call, in its language. ``heard`` is the word of the call that brought it up; ``used`` greys it."""

    id: str
    title: str
    text: str
    heard: str = ""
    used: bool = False


class Positioning(Record):
    """What makes the offer good, on a word of the call: values, a promotion and a price, as one text to put into the draft."""

    id: str
    title: str
    values: tuple[str, ...]
    promotion: str = ""
    price: str = ""
    text: str = ""
    heard: str = ""
    used: bool = False


class Price(Record):
    """A row of the price list. ``price`` is without value added tax, for one ``unit``."""

    code: str
    name: str
    price: Decimal
    unit: str = ""
    vat_percent: Decimal = Decimal(0)


class QuoteLine(Record):
    """So many of a thing, at the price of the moment when it was put on the quote."""

    price: Price
    quantity: Decimal = Decimal(1)
    discount_percent: Decimal = Decimal(0)


class Quote(Record):
    """A quote as it is being put together; ``discount_percent`` is given on all of it."""

    lines: tuple[QuoteLine, ...] = ()
    discount_percent: Decimal = Decimal(0)
    currency: str = "EUR"


class Vat(Record):
    """The value added tax at one rate: on how much, and how much it is."""

    percent: Decimal
    base: Decimal
    amount: Decimal


class Totals(Record):
    """What a quote comes to, in whole cents. ``lines`` are the amounts of its lines after their own discounts, without tax."""

    lines: tuple[Decimal, ...]
    subtotal: Decimal
    discount: Decimal
    net: Decimal
    vats: tuple[Vat, ...]
    vat: Decimal
    total: Decimal


class CallState(Record):
    """What is kept of a call beside its clips: sealed with the case's words, and gone with them.

    ``heard`` is the digest of the transcript that ``used`` belongs to: with another transcript every talking point is fresh again.
    ``quote_text`` is the quote as it was put into the draft; "" while it was not.
    """

    draft: str = ""
    caller: Caller = Caller()
    heard: str = ""
    used: tuple[str, ...] = ()
    briefs_used: tuple[str, ...] = ()
    quote: Quote = Quote()
    quote_text: str = ""


class CallChange(Record):
    """What an agent does at a call, in one go: the draft as it is on the screen, and one thing more.

    ``cue``, ``brief``: put this one into the draft. ``quote``: put the quote into it. ``add`` is a code of the price list, ``remove`` the
    place of a line from 0. Numbers are as they were typed. What is None stays as it is. ``was``: the draft as this screen had it before
    somebody wrote in it, by which a draft that another person changed meanwhile is known.
    """

    draft: str | None = None
    was: str | None = None
    caller: Caller | None = None
    cue: str = ""
    brief: str = ""
    quote: bool = False
    add: str = ""
    quantity: str = "1"
    line_discount: str = ""
    remove: int | None = None
    discount: str | None = None


class Reference(Record):
    """A piece of reference material. ``link`` is its page in the panel, "" where it has none; ``kind`` knowledge, playbook or manual."""

    kind: Literal["knowledge", "playbook", "manual"]
    title: str
    text: str
    score: float
    link: str = ""
    source: str = ""
    language: Code = "en"


class References(Record):
    """What was found, and by which way. ``code`` says why it was not the best way ("" when it was)."""

    found: tuple[Reference, ...] = ()
    way: ReferenceWay = "none"
    code: str = ""


class ReferenceState(Record):
    """The reference search as it stands: its index and its use since the start of the program.

    ``last_query`` is in words only with privacy switched off; ``last_print`` is its keyed print.
    """

    kind: IndexKind = ""
    built_at: float = 0.0
    version: str = ""
    pieces: int = 0
    stale: bool = False
    requests: int = 0
    fallbacks: int = 0
    in_a_row: int = 0  # fallbacks one after the other; many mean that something is broken
    last_way: ReferenceWay = "none"
    last_error: str = ""
    last_print: str = ""
    last_query: str = ""
    private: bool = True


class CallRow(Record):
    """A call in the list."""

    case: str
    state: str
    received_at: float
    changed_at: float
    language: str = ""
    reason: str = ""
    sender: str = ""
    subject: str = ""
    kept_at: float = 0.0


class CallView(Record):
    """Everything that a page about a call shows besides its case and its clips."""

    state: CallState = CallState()
    contact: Contact = Contact()
    earlier: tuple[CallRow, ...] = ()
    cues: tuple[Cue, ...] = ()
    briefs: tuple[Positioning, ...] = ()
    prices: tuple[Price, ...] = ()
    totals: Totals | None = None
    quote_text: str = ""  # the quote as it would stand in the draft
    troubles: tuple[tuple[str, str], ...] = ()  # what is wrong with a file, and its remedy, in words
    reset: bool = False  # the transcript is another one than the used talking points belonged to
    language: Code = "en"

"""Looking: what the store answers without changing anything, on the caller's own thread."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from appliance.ground.clock import Clock
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.message import Cursor
from appliance.records.person import Actor
from appliance.records.policy import SwitchState
from appliance.store import cases, expiry, intake, levers, numbers, opening
from appliance.store.bodies import Bodies
from appliance.store.limits import StoreLimits
from appliance.store.prints import Prints
from appliance.store.reading import Readers
from appliance.store.searching import CaseSearch


class Looking:
    """The half of the store that only reads; ``Store`` is the other one. Every node of a pair serves it, leading or not."""

    clock: Clock
    limits: StoreLimits
    _bodies: Bodies
    _prints: Prints
    _readers: Readers
    _search: CaseSearch

    def rows(
        self,
        states: Iterable[CaseState] | None = None,
        limit: int = 50,
        before: str | None = None,
        text: str = "",
        oldest_first: bool = False,
        archived: bool = False,
        assigned: str | None = None,
    ) -> list[CaseRow]:
        """Cases, newest first, going on beyond the case ``before``; or ``oldest_first``. With those a person ``archived`` or without.

        ``text``: those that hold all its words, newest first, of the newest 20,000 (``limits.searched_rows``). ``assigned``: whose
        they are, "" for nobody's, None for all.
        """
        wanted = tuple(CaseState) if states is None else tuple(dict.fromkeys(CaseState(state) for state in states))
        most, search = max(0, min(limit, self.limits.rows)), self._search
        if text:
            below = opening.number_beyond(before, False)
            return self._readers.ask(
                lambda reader: opening.found_rows(reader, self._bodies, wanted, search.find(reader, text, below), most, assigned)
            )
        beyond = opening.number_beyond(before, oldest_first)
        return self._readers.ask(lambda reader: cases.rows(reader, self._bodies, wanted, beyond, most, oldest_first, archived, assigned))

    def read_words(self) -> None:
        """Open the words that cases are searched by, ahead of the first search."""
        self._readers.ask(self._search.catch_up)

    def file(self, case: str) -> CaseFile | None:
        """A case opened up; None when there is none of that id."""
        return self._readers.ask(lambda reader: opening.file_of(reader, self._bodies, case, self.limits))

    def raw(self, case: str) -> bytes | None:
        """The mail as it came, when it was kept."""
        return self._readers.ask(lambda reader: opening.raw_mail(reader, self._bodies, case))

    def comments(self, case: str) -> tuple[str, ...]:
        """What people wrote beside their decisions."""
        return self._readers.ask(lambda reader: opening.comments_of(reader, self._bodies, case))

    def counts(self) -> dict[CaseState, int]:
        """How many cases are in each state; kept, not counted."""
        return {CaseState(state): count for state, count in self._readers.all("SELECT state, count FROM counters")}

    def oldest_waiting_seconds(self, now: float) -> float:
        """How long the oldest waiting case has been waiting; 0.0 when none is."""
        return self.waiting_for_desk(now).oldest_seconds

    def waiting_for_desk(self, now: float, promised_seconds: float = 0.0) -> cases.Waiting:
        """How long the oldest case has waited for the desk, and how many have waited longer than promised (0: no promise)."""
        most = self.limits.counted
        return self._readers.ask(lambda reader: cases.waiting(reader, cases.FOR_THE_DESK, promised_seconds, now, most))

    def waiting_for_person(self, now: float, promised_seconds: float = 0.0) -> cases.Waiting:
        """The same for a person: cases in review and uncertain ones, since they were written."""
        most = self.limits.counted
        return self._readers.ask(lambda reader: cases.waiting(reader, cases.FOR_A_PERSON, promised_seconds, now, most))

    def lost_drafts(self) -> int:
        """How many held drafts did not come to the mailbox they were mailed to, or nobody knows, while their cases wait."""
        return self._readers.ask(lambda reader: cases.lost_drafts(reader, self.limits.counted))

    def numbers_since(self, at: float, most: int) -> tuple[list[numbers.CaseNumbers], Counter[str]]:
        """The cases that came in since then as numbers, at most so many of the newest, and which facts no source had."""
        return self._readers.ask(lambda reader: (numbers.cases_since(reader, at, most), numbers.missing_since(reader, at, most)))

    def used_since(self, at: float) -> list[numbers.Used]:
        """What the writing of answers took since then, by tier and engine."""
        return self._readers.ask(lambda reader: numbers.used_since(reader, at))

    def shadow_since(self, at: float, most: int) -> list[numbers.Shadowed]:
        """The cases that the desk settled since then with what people made of them, the newest first."""
        return self._readers.ask(lambda reader: numbers.shadow_since(reader, at, most))

    def tally(self, since: float) -> dict[str, Any]:
        """What came in and what became of it since a moment, in all and per hour."""
        return self._readers.ask(lambda reader: opening.tally(reader, since))

    def cursor(self, mailbox: str, folder: str = "") -> Cursor | None:
        """How far a folder has been read; None when it never was."""
        return self._readers.ask(lambda connection: intake.cursor_of(connection, mailbox, folder))

    def is_own(self, tandem_key: str) -> bool:
        """Whether an X-Tandem-Key is one that we made: the mail is our own, come back."""
        return bool(tandem_key) and bool(self._prints.case_of_key(tandem_key))

    def own_key(self, name: str, message_id: str) -> str:
        """The X-Tandem-Key of a mail of ours that is about no case; ``name`` stands between two dots of its Message-ID."""
        return self._prints.delivery_key(name, message_id)

    def switch_states(self) -> tuple[SwitchState, ...]:
        """Each lever that was ever pulled, who pulled it and when."""
        return self._readers.ask(levers.states)

    def actor_of(self, secret: str) -> Actor | None:
        """Whose API key this is; None for a wrong or revoked one."""
        return levers.actor_of(
            self._readers.one("SELECT name, role FROM keys WHERE digest = ? AND revoked_at = 0", (self._prints.secret(secret),))
        )

    def keys(self) -> list[dict[str, Any]]:
        """The API keys without their secrets; revoked ones are marked."""
        rows = self._readers.all("SELECT id, name, role, by, issued_at, revoked_at FROM keys ORDER BY issued_at, id")
        names = ("key", "name", "role", "by", "issued_at", "revoked_at")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def expiring(self, days: int) -> dict[str, int]:
        """Of how many cases ``expire_words`` would remove the words now, by state."""
        before = self.clock.now() - days * cases.DAY_SECONDS
        return self._readers.ask(lambda connection: expiry.due_by_state(connection, before))

    def terms(self, most: int) -> list[dict[str, Any]]:
        """Who began to lead when and how, the newest first: ``at, term, node, how, position``."""
        sql = "SELECT at, term, node, how, position FROM terms ORDER BY position DESC LIMIT ?"
        names = ("at", "term", "node", "how", "position")
        return [dict(zip(names, row, strict=True)) for row in self._readers.all(sql, (most,))]

    def forced_at(self) -> int:
        """The position at which a person last made a node leader on the word that the other one is off; 0: nobody ever did."""
        return int(self._readers.one("SELECT coalesce(max(position), 0) FROM terms WHERE how = 'forced'")[0])

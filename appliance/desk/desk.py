"""Everything the desk works with, put together by the node and handed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from appliance.engines.judge.protocol import Judge
from appliance.engines.writer.protocol import Writer
from appliance.policy.model import Policy
from appliance.records.account import AccountRecord, Miss
from appliance.records.answer import Versions
from appliance.records.knowledge import Found, Passage
from appliance.records.language import LANGUAGES, Code, Language


class Search(Protocol):
    """The company's knowledge, as far as the desk asks for it. ``appliance.knowledge.Library`` satisfies this."""

    @property
    def version(self) -> str:
        """Equal versions find alike."""
        ...

    def search(self, text: str, language: Code, limit: int = 8) -> tuple[Found, ...]:
        """Passages of the language, best first."""
        ...

    def expected_keys(self, text: str, language: Code) -> tuple[str, ...]:
        """The keys of facts that the text asks for by name."""
        ...

    def theme(self, language: Code) -> frozenset[str]:
        """Stems of the words that most of the knowledge is about, so that they tell no passage from another."""
        ...

    def passage(self, name: str) -> Passage | None:
        """The passage with this id."""
        ...


class Accounts(Protocol):
    """The customers' own records, as far as the desk asks for them. ``appliance.knowledge.accounts.Accounts`` satisfies this."""

    def find(self, address: str, order: str) -> AccountRecord | Miss:
        """The one record of this customer about this order, or why there is none."""
        ...


class NoAccounts:
    """A company without account records."""

    def find(self, address: str, order: str) -> AccountRecord | Miss:  # noqa: ARG002
        return Miss.CLOSED


class Detect(Protocol):
    """Finds out which language a text is in."""

    def detect(self, text: str, domain: str = "") -> Language:
        """The language; code "" when unsure."""
        ...


@dataclass(frozen=True)
class Company:
    """Who answers. ``languages`` are those the company answers in, the first one for drafts when nothing better is known."""

    name: str = ""
    languages: tuple[Code, ...] = LANGUAGES


def _no_time() -> float:
    return 0.0


@dataclass(frozen=True)
class Desk:
    """One desk. Frozen: another policy or writer makes another desk. ``timer`` gives seconds on a clock that never jumps."""

    company: Company
    detector: Detect
    policy: Policy
    library: Search
    writer: Writer
    judge: Judge
    versions: Versions = field(default_factory=Versions)
    timer: Callable[[], float] = field(default=_no_time)
    accounts: Accounts = field(default_factory=NoAccounts)

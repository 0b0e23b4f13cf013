"""What this node may do at this moment, and why.

A standing answers the loops: do I run, may I still act, may this reply leave. A node that was never paired stands alone: it leads a
term of its own from its start to its end. One of a pair asks the lease each time, and its office, which is ready a moment later.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, Protocol

from appliance.node.office import Office
from appliance.pair.keeper import Keeper
from appliance.pair.permission import Turn, turn
from appliance.records.delivery import Delivery
from appliance.store.names import case_number, delivery_number

Role = Literal["leader", "standby", "alone"]


class Standing(Protocol):
    """Whether this node runs the loops. ``term`` stands in everything it writes."""

    @property
    def role(self) -> Role: ...

    @property
    def term(self) -> int: ...

    @property
    def reason(self) -> str:
        """Why it may or may not act, as a code."""
        ...

    def may_act(self) -> bool:
        """Asked before a claim and before a commit."""
        ...

    def turn(self, delivery: Delivery, /) -> Turn:
        """Asked last thing before the data of a mail leaves: ``send``, ``wait`` (nothing may leave now) or ``hold`` for a person."""
        ...

    def finished(self, delivery: Delivery, /) -> None:
        """The try is over, whatever came of it. Until then a leader that let it go does not hand over."""
        ...

    def at_work(self) -> AbstractContextManager[None]:
        """Something is under way that must be written down before this node hands over."""
        ...

    def resign(self) -> None:
        """The node is stopping: nothing new starts."""
        ...


class Alone:
    """One node without a pair: it leads from its start."""

    role: Role = "alone"
    reason = "alone"

    def __init__(self, term: int) -> None:
        self.term = term
        self._acting = True

    def may_act(self) -> bool:
        return self._acting

    def turn(self, _delivery: Delivery) -> Turn:
        return "send" if self._acting else "wait"

    def finished(self, _delivery: Delivery) -> None:
        """Nobody waits for it."""

    def at_work(self) -> AbstractContextManager[None]:
        return nullcontext()

    def resign(self) -> None:
        self._acting = False


class Paired:
    """One node of a pair."""

    def __init__(self, keeper: Keeper, office: Office) -> None:
        self._keeper = keeper
        self._office = office
        self._acting = True
        self._leaving: set[str] = set()
        self._at_work = 0
        office.at_rest = lambda: not self._at_work
        self._lock = threading.Lock()

    @property
    def role(self) -> Role:
        return "leader" if self._office.term else "standby"

    @property
    def term(self) -> int:
        return self._office.term

    @property
    def reason(self) -> str:
        return self._keeper.leave().reason

    def may_act(self) -> bool:
        return self._acting and self._in_office() and self._keeper.may_act()

    def _in_office(self) -> bool:
        office = self._office
        return office.term > 0 and not office.drained and office.term == self._keeper.standing.kept.term

    def turn(self, delivery: Delivery) -> Turn:
        with self._lock:  # noted before the question: a leader that was told "send" is seen to be sending
            self._leaving.add(delivery.id)
        answer: Turn = "wait"
        if self._acting and self._in_office():
            answer = turn(self._keeper.standing, self._keeper.now(), "mine" if self._is_ours(delivery) else "other")
            if answer == "send" and self._may_be_answered(delivery):
                answer = "hold"
        if answer != "send":
            self.finished(delivery)
        return answer

    def _is_ours(self, delivery: Delivery) -> bool:
        """Whether it was decided in this very term, and the message came in with it unless a person decided."""
        began = self._office.began
        decided = delivery_number(delivery.id) or 0
        return decided > began and (not delivery.automatic or (case_number(delivery.case) or 0) > began)

    def _may_be_answered(self, delivery: Delivery) -> bool:
        """Whether it was decided, or the message came in, before a person made a node leader that lacked what the other had done alone.

        That one may have answered it, in a tail that is put aside when it comes back: being in step again does not tell.
        """
        fence = self._office.fence
        decided = delivery_number(delivery.id) or 0
        return decided < fence or (delivery.automatic and (case_number(delivery.case) or 0) < fence)

    def finished(self, delivery: Delivery) -> None:
        with self._lock:
            self._leaving.discard(delivery.id)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with self._lock:
            self._at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1

    @property
    def sending(self) -> bool:
        """Whether a mail was let go and has not all left."""
        return bool(self._leaving)

    def resign(self) -> None:
        self._acting = False

"""A job on its way to the writer, and what its caller is told where the pair stands in the way."""

import threading
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

from appliance.ground.errors import StoreError
from appliance.store.books import Books
from appliance.store.errors import NotLeading, Torn, Unconfirmed

Result = TypeVar("Result")
Job = Callable[[Books], Result]


class Kind(Enum):
    """How a job is run. The latter two are the store's own, and run on a node that follows as well."""

    SHARED = "shared"  # a caller's: in one transaction with others
    SOLE = "sole"  # in a transaction of its own, which nobody waits for the other node to confirm
    ASIDE = "aside"  # between two transactions


class Ticket(Generic[Result]):
    """A job on its way, and the place where its caller waits. ``vouches``: its answer says that something is safe."""

    __slots__ = ("_done", "error", "job", "kind", "result", "vouches")

    def __init__(self, job: Job[Result], kind: Kind = Kind.SHARED) -> None:
        self.job = job
        self.kind = kind
        self.vouches = False
        self.result: Result | None = None
        self.error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self) -> None:
        """Let the caller go on. Called once."""
        self._done.release()

    def wait(self) -> Result:
        """What the job returned, once it is on disk."""
        self._done.acquire()
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


def not_leading() -> NotLeading:
    """To whoever asks a node that follows."""
    return NotLeading("This node follows: the other node leads.", "Ask for it there; it arrives here by itself.")


def unconfirmed() -> Unconfirmed:
    """To whoever wrote what the other node does not have yet."""
    return Unconfirmed(
        "The change is written here, but the other node has not confirmed it.",
        "Look whether it took effect before you repeat it; see `tandem status` for why the other node is silent.",
    )


def torn(cause: StoreError) -> Torn:
    """To whoever wrote what the other node may have and this one does not."""
    return Torn(
        f"A change was handed to the other node and could not be written here: {cause.message}",
        "The program ends and starts again as the follower; it takes from the other node what that one has.",
    )

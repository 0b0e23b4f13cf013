"""How a node alone becomes one of a pair: it shows a code to the other, or joins with the code that the other shows.

While a code is shown the node listens for the other one and says so on the local network; afterwards nothing listens any more. Once the
two have agreed the node is built anew, as one of a pair: the one that showed the code keeps its data, the other one is given it.
"""

import socket
import threading
from typing import TYPE_CHECKING, Any

from appliance import __version__
from appliance.ground.errors import Refused
from appliance.ground.log import Log
from appliance.ground.machine import machine_id
from appliance.pair.discovery import Discovery
from appliance.pair.line import certificate
from appliance.pair.line.listener import Listener
from appliance.pair.line.wire import LEAST_PROTO, PAIRING, PROTO
from appliance.pair.meeting.addresses import Address, from_text
from appliance.pair.meeting.announcement import Announcement
from appliance.pair.meeting.code import Secret
from appliance.pair.meeting.errors import PairingRefused
from appliance.pair.meeting.kept import enter
from appliance.pair.meeting.membership import Membership, folder
from appliance.pair.meeting.pairing import Joined, Offer, join
from appliance.pair.meeting.words import Introduction
from appliance.pair.messages import Kept

if TYPE_CHECKING:
    from appliance.node.node import Node

log = Log("pair")

LOOK_SECONDS = 4.0
WATCH_SECONDS = 0.5
LAST_WORD_SECONDS = 5.0


class PairingDesk:
    """Of one node. ``offer`` is the code that is shown now, None when none is."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._lock = threading.RLock()
        self._listener: Listener | None = None
        self._discovery: Discovery | None = None
        self.offer: Offer | None = None

    # Showing a code

    def begin(self, secret: Secret | None = None) -> Offer:
        """Show a new code, or wait for a secret; an earlier one is void."""
        self._must_be_alone()
        with self._lock:
            self.cancel()
            node = self._node
            listener = Listener(
                node.settings.pair.listen,
                node.settings.pair.port,
                self._identity(),
                trusted=tuple,
                services={PAIRING: self._serve},
                judge=lambda _: "",
            )
            listener.start()
            self._listener = listener
            self.offer = offer = Offer(node.clock, self._introduction(listener.port), self._keep_as_first, secret)
            threading.Thread(target=self._watch, args=(offer,), name="pairing", daemon=True).start()
            self._discovery = Discovery(self._announcement(listener.port), clock=node.clock)
            self._discovery.start()
            return offer

    def _serve(self, line: Any, open_: Any) -> None:
        offer = self.offer
        if offer is not None:
            offer.serve(line, open_)

    def _watch(self, offer: Offer) -> None:
        """Stop listening when the code is over; when somebody joined, become one of a pair."""
        while offer.state == "waiting" and not self._node.stop.is_set():
            offer.ended.wait(WATCH_SECONDS)  # time passing ends it too, and nobody tells
        if offer.state != "joined":
            with self._lock:
                if self.offer is offer:
                    self._close_door()  # which waits for whoever is being talked to
        if offer.state == "joined":
            offer.ended.wait(LAST_WORD_SECONDS)
            self._become_paired()

    def cancel(self) -> None:
        """Take the code back."""
        with self._lock:
            if self.offer is not None:
                self.offer.close()
            self._close_door()
            self.offer = None

    def _close_door(self) -> None:
        with self._lock:
            for part in (self._listener, self._discovery):
                if part is not None:
                    part.stop()
            self._listener = self._discovery = None

    def state(self) -> dict[str, Any] | None:
        """What a page shows of it."""
        offer = self.offer
        if offer is None:
            return None
        expires = offer.expires_seconds
        return {
            "code": offer.code,
            "expires_seconds": -1 if expires == float("inf") else int(expires),
            "tries_left": offer.tries_left,
            "state": offer.state,
        }

    # Joining

    def join(self, code: str | Secret, address: str) -> Joined:
        """Join the node that shows the code: at this address, or wherever the local network says that one is."""
        self._must_be_alone()
        self.cancel()
        node = self._node
        found = self._addresses(address)
        refused: PairingRefused | None = None
        for one in found:
            try:
                joined = join(one, code, self._identity(), self._introduction(node.settings.pair.port), self._keep_as_second, node.clock)
            except PairingRefused as error:
                if error.code not in ("unreachable", "no_pairing"):
                    raise
                refused = error
                continue
            self._become_paired()
            return joined
        assert refused is not None
        raise refused

    def _addresses(self, text: str) -> tuple[Address, ...]:
        if text:
            address = from_text(text, self._node.settings.pair.port)
            if address is None:
                raise Refused(f"{text} is no address.", "Write it as HOST:PORT, such as 192.168.1.11:8485.")
            return (address,)
        if self._node.settings.pair.static_peer:
            return self._addresses(self._node.settings.pair.static_peer)
        found = self._look()
        if not found:
            raise Refused(
                "No machine on this network is showing a code.",
                "Press Pair on the other Mini first; where the network hides it, give its address: --address HOST:PORT.",
                code="no_offer_found",
            )
        return found

    def _look(self) -> tuple[Address, ...]:
        looking = Discovery(None, clock=self._node.clock)
        looking.start()
        try:
            return tuple(address for offer in looking.look_for_offers(LOOK_SECONDS) for address in offer.addresses)
        finally:
            looking.stop()

    # Both

    def _announcement(self, port: int) -> Announcement:
        return Announcement(
            node=self._node.name,
            port=port,
            fingerprint=self._identity().fingerprint,
            version=__version__,
            proto=PROTO,
            least=LEAST_PROTO,
            offers=True,
        )

    def _must_be_alone(self) -> None:
        if self._node.pair is not None:
            raise PairingRefused("paired")

    def _identity(self) -> certificate.Identity:
        return certificate.load_or_make(folder(self._node.home), self._node.name)

    def _introduction(self, port: int) -> Introduction:
        node = self._node
        return Introduction(
            node=node.name,
            certificate=self._identity().certificate,
            key=node.store.replication.head_key(),
            version=__version__,
            proto=PROTO,
            least=LEAST_PROTO,
            machine=machine_id(),
            name=socket.gethostname()[:100],
            port=port,
            empty=is_empty(node),
        )

    def _keep_as_first(self, membership: Membership) -> None:
        """This node has the data: whatever term its journal is in, the pair begins above it."""
        enter(self._node.home, membership, Kept(term=self._node.store.term, joined=True))

    def _keep_as_second(self, membership: Membership) -> None:
        """What this node has goes, so nothing comes in from now on; what came in since it called itself empty is not thrown away."""
        node = self._node
        node.store.follow()
        node.store.come_to_rest()
        try:
            if not is_empty(node):
                raise PairingRefused("not_empty")
            enter(node.home, membership, Kept())
        except BaseException:
            self._have_built_anew()
            raise

    def _become_paired(self) -> None:
        self._close_door()
        log.info("becomes_paired", node=self._node.name)
        self._have_built_anew()

    def _have_built_anew(self) -> None:
        self._node.again = True
        self._node.ended.set()


def is_empty(node: "Node") -> bool:
    """Whether a node has nothing that anybody would miss: no case and no person."""
    return not any(node.store.counts().values()) and not node.store.people.all()

"""How the nodes of one network find each other: multicast DNS, by the library zeroconf. Here alone is it imported.

What is found is a hint at addresses and nothing else. Anybody in the network can announce anything, so whoever is found must still show
the right certificate; and nobody is dead because discovery does not see it. Where multicast is blocked, or its port taken, the node
says so once and goes on: it has the configured address and the last one.

One thread of ours does it all and looks every two seconds whether the machine's own addresses have changed, or whether it slept. The
library asks ever more rarely, up to once an hour, and tells the others what it knows already, so that they keep silent. So
after a change, and while the peer is not found, we ask ourselves, and as if we knew nothing.
"""

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.ground.clock import Clock, SystemClock
from appliance.ground.log import Log, Trouble
from appliance.pair.meeting.addresses import ADDRESSES_MOST
from appliance.pair.meeting.announcement import (
    LEADER_HOST,
    PANEL,
    SERVICE,
    Announcement,
    Found,
    beside,
    host,
    instance,
    text_of,
    understood,
)

if TYPE_CHECKING:
    from zeroconf import ServiceInfo, Zeroconf

POLL_SECONDS = 2.0
ASLEEP_SECONDS = 10.0
"""A turn that comes so late was asleep: the network may be another one, and what is cached is old."""
RETRY_SECONDS = 10.0
HURRY_SECONDS = 10.0
ASK_SECONDS_ALONE = 5.0
ASK_SECONDS = 60.0
TELL_AGAIN_SECONDS = 60.0
NAMES_MOST = 64
LEADER_TTL_SECONDS = 10
_LATE_OFFERS_SECONDS = 1.0
_STOP_SECONDS = 10.0
_TYPE_A, _TYPE_PTR, _CLASS_IN, _QUERY = 1, 12, 1, 0  # RFC 1035, 3.2.2 and 3.2.4

log = Log("pair")
T = TypeVar("T")


def own_hosts() -> tuple[str, ...]:
    """This machine's own IPv4 addresses on interfaces that are up, sorted; loopback only where there is nothing else."""
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = sorted(
        each.address
        for name, addresses in psutil.net_if_addrs().items()
        for each in addresses
        if name in up and each.family.name == "AF_INET"
    )
    return tuple(each for each in found if not each.startswith("127."))[:ADDRESSES_MOST] or tuple(found[:1])


class Discovery:
    """Announces this node (not with ``me`` None) and tells of others. Any thread may ask; ``found`` and ``gone`` come from threads of ours.

    ``found`` is told of a node when it is first seen, when what it says changes, and once a minute while that still holds;
    ``gone`` (with the node id) when it says goodbye. Neither may take long. ``called`` is the leader's host name.
    """

    def __init__(
        self,
        me: Announcement | None,
        found: Callable[[Found], None] = lambda _: None,
        gone: Callable[[str], None] = lambda _: None,
        *,
        clock: Clock | None = None,
        hosts: Callable[[], tuple[str, ...]] = own_hosts,
        called: str = LEADER_HOST,
    ) -> None:
        self._me, self._found, self._gone = me, found, gone
        self._clock, self._hosts, self._called = clock or SystemClock(), hosts, called
        self._trouble, self._name_trouble = Trouble(log, "discovery"), Trouble(log, "discovery_name")
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="discovery", daemon=True)
        self._known: dict[str, tuple[Found | None, float]] = {}
        self._telling = threading.RLock()
        self._seen = threading.Condition(self._telling)
        self._zeroconf: Zeroconf | None = None
        self._open_on: tuple[str, ...] = ()
        self._announced: Announcement | None = None
        self._refresh = self._leads = False
        self._led_as: tuple[str, tuple[str, ...]] = ("", ())
        self._ours: dict[str, None] = {}
        self._turned_at = clock_now = self._clock.elapsed()
        self._retry_at = self._ask_at = self._hurry_until = clock_now

    @property
    def trouble(self) -> str:
        """Why others cannot be found, or not by this name; "" when all is well."""
        return self._trouble.reason or self._name_trouble.reason

    @property
    def leader_name(self) -> str:
        """Under which name the leader is published from here, without the dot at its end; "" when it is not."""
        return self._led_as[0].rstrip(".")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and end. A repeat does no harm."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def announce(self, me: Announcement) -> None:
        """Say this from now on. The node and its port stay."""
        self._me = me
        self._wake.set()

    def publish_leader(self, leads: bool) -> None:
        """Be called ``tandem.local``, or not any more."""
        self._leads = leads
        self._wake.set()

    def refresh(self) -> None:
        """The network may be another one (the machine woke up): look and say everything anew."""
        self._refresh = True
        self._wake.set()

    def look_for_offers(self, seconds: float) -> list[Found]:
        """The nodes that show a code: waits for the first at most so long, and one second more for any other."""
        until = self._clock.elapsed() + seconds
        with self._seen:
            self._seen.wait_for(lambda: self._offers() or self._stopped.is_set(), max(0.0, until - self._clock.elapsed()))
            rest = min(_LATE_OFFERS_SECONDS, until - self._clock.elapsed())
            self._seen.wait_for(self._stopped.is_set, max(0.0, rest))
            return self._offers()

    def _offers(self) -> list[Found]:
        return [found for found, _ in self._known.values() if found is not None and found.offers]

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._turn()
            except Exception as error:  # whatever the library meets in this network: the node goes on without, and tries again
                self._trouble.broke(f"Multicast DNS does not work here ({getattr(error, 'strerror', None) or type(error).__name__}).")
                self._retry_at = self._clock.elapsed() + RETRY_SECONDS
                self._close()
            self._clock.wait(self._wake, POLL_SECONDS)
            self._wake.clear()
        self._close()
        with self._seen:
            self._seen.notify_all()

    def _turn(self) -> None:
        now = self._clock.elapsed()
        slept, self._turned_at = now - self._turned_at > ASLEEP_SECONDS, now
        hosts = self._hosts()
        self._ours.update(dict.fromkeys(hosts))
        if self._zeroconf is None:
            if now < self._retry_at or not hosts:
                return
            self._open(hosts)
        elif hosts and (slept or self._refresh or hosts != self._open_on):
            self._move(hosts)
        if self._zeroconf is None:
            return
        self._say(self._zeroconf)
        self._lead(self._zeroconf)
        self._ask(self._zeroconf, now)
        for name in list(self._known):
            self._look(name)
        self._trouble.healed()
        # A turn may take seconds (probing, goodbyes): that is no sleep.
        self._turned_at = self._clock.elapsed()

    def _open(self, hosts: tuple[str, ...]) -> None:
        from zeroconf import ServiceBrowser, Zeroconf

        self._zeroconf = Zeroconf(interfaces=list(hosts), use_asyncio=False)
        self._open_on, self._refresh = hosts, False
        self._hurry_until = self._clock.elapsed() + HURRY_SECONDS
        ServiceBrowser(self._zeroconf, SERVICE, handlers=[self._changed])

    def _move(self, hosts: tuple[str, ...]) -> None:
        """Other addresses, or a network that may have changed below the same ones: say the new ones, on the new interfaces too."""
        zeroconf = self._zeroconf
        assert zeroconf is not None
        self._open_on, self._refresh = hosts, False
        self._hurry_until, self._ask_at = self._clock.elapsed() + HURRY_SECONDS, float("-inf")
        if self._announced is not None:
            zeroconf.update_service(self._info(self._announced))
        zeroconf.update_interfaces(list(hosts))

    def _say(self, zeroconf: "Zeroconf") -> None:
        """Announce this node, or what has changed of it."""
        from zeroconf import NonUniqueNameException

        me = self._me
        if me is None or me == self._announced or (self._name_trouble.reason and self._clock.elapsed() < self._retry_at):
            return
        try:
            if self._announced is None:
                zeroconf.register_service(self._info(me))
            else:
                zeroconf.update_service(self._info(me))
        except NonUniqueNameException:
            self._retry_at = self._clock.elapsed() + RETRY_SECONDS
            self._name_trouble.broke(f"Another machine in this network says that it is {me.node}.")
            return
        self._announced = me
        self._name_trouble.healed()

    def _info(self, me: Announcement) -> "ServiceInfo":
        from zeroconf import ServiceInfo

        name, server = instance(me.node), host(me.node)
        return ServiceInfo(SERVICE, name, me.port, properties=text_of(me), server=server, parsed_addresses=list(self._open_on))

    def _lead(self, zeroconf: "Zeroconf") -> None:
        """Publish the leader's name here, or withdraw it; where a stranger is called so, take a name of our own instead."""
        from zeroconf import AddressResolverIPv4  # type: ignore[attr-defined]

        me, (name, on) = self._announced, self._led_as
        if me is None or not (self._leads or name):
            return
        if not self._leads:
            zeroconf.unregister_service(self._panel(me, name, on))
            self._led_as = ("", ())
            return
        if not name:
            AddressResolverIPv4(self._called).request(zeroconf, 1000)  # whoever is called so has a second to say it
        aside = self._is_taken(zeroconf) or name not in ("", self._called)
        wanted = (beside(me.pair) if aside else self._called, self._open_on)
        if wanted == (name, on):
            return
        if name and name != wanted[0]:
            zeroconf.unregister_service(self._panel(me, name, on))
        if name == wanted[0]:
            zeroconf.update_service(self._panel(me, *wanted))
        else:
            # Not probed for: the name is the pair's, and the leader before may still hold it for a moment.
            zeroconf.register_service(self._panel(me, *wanted), cooperating_responders=True)
        self._led_as = wanted

    def _panel(self, me: Announcement, server: str, on: tuple[str, ...]) -> "ServiceInfo":
        from zeroconf import ServiceInfo

        return ServiceInfo(
            PANEL, instance(me.node, PANEL), me.panel_port or me.port, properties={"pair": me.pair}, server=server,
            parsed_addresses=list(on), host_ttl=LEADER_TTL_SECONDS,
        )  # fmt: skip

    def _is_taken(self, zeroconf: "Zeroconf") -> bool:
        """Whether anybody but the two of this pair is called so."""
        pair = self._announced.pair if self._announced else ""
        with self._telling:
            mates = [found for found, _ in self._known.values() if found is not None and pair and found.pair == pair]
        self._ours.update(dict.fromkeys(address for found in mates for address, _ in found.addresses))
        while len(self._ours) > NAMES_MOST:  # addresses of old count too, for they stay in caches for a while; but not for ever
            del self._ours[next(iter(self._ours))]
        records: Iterable[Any] = zeroconf.cache.get_all_by_details(self._called, _TYPE_A, _CLASS_IN)
        return any(".".join(map(str, record.address)) not in self._ours for record in records)

    def _ask(self, zeroconf: "Zeroconf", now: float) -> None:
        from zeroconf import DNSOutgoing, DNSQuestion  # type: ignore[attr-defined]

        if now < self._ask_at:
            return
        pair = self._me.pair if self._me else ""
        with self._telling:
            alone = not any(found is not None and found.pair == pair for found, _ in self._known.values())
        self._ask_at = now + (POLL_SECONDS if now < self._hurry_until else ASK_SECONDS_ALONE if alone else ASK_SECONDS)
        question = DNSOutgoing(_QUERY)
        question.add_question(DNSQuestion(SERVICE, _TYPE_PTR, _CLASS_IN))
        zeroconf.send(question)

    def _changed(self, zeroconf: "Zeroconf", service_type: str, name: str, state_change: Any) -> None:  # noqa: ARG002  # by these names
        """On the library's thread: somebody came, went or says something else."""
        with self._telling:
            if state_change.name != "Removed":
                if name in self._known or len(self._known) < NAMES_MOST:
                    self._known.setdefault(name, (None, float("-inf")))
                    self._look(name)
            elif (known := self._known.pop(name, (None, 0.0))[0]) is not None:
                self._tell(self._gone, known.node)

    def _look(self, name: str) -> None:
        """Tell of what is known of this name, if it is new or was told long ago. Half of it may still be on its way."""
        from zeroconf import IPVersion, ServiceInfo

        zeroconf, now = self._zeroconf, self._clock.elapsed()
        info = ServiceInfo(SERVICE, name)
        if zeroconf is None or not info.load_from_cache(zeroconf):
            return
        found = understood(name, info.decoded_properties, info.parsed_addresses(IPVersion.V4Only), info.port)
        if found is None or (self._me is not None and found.node == self._me.node):
            return
        with self._seen:
            if name not in self._known or (found == self._known[name][0] and now - self._known[name][1] < TELL_AGAIN_SECONDS):
                return
            self._known[name] = (found, now)
            self._seen.notify_all()
            self._tell(self._found, found)

    def _tell(self, whom: Callable[[T], None], what: T) -> None:
        """What goes wrong there must not end the library's thread."""
        try:
            whom(what)
        except Exception as error:
            log.error("discovery_not_told", error=error)

    def _close(self) -> None:
        """Say goodbye, if there is still anybody to say it with."""
        zeroconf, self._zeroconf, self._announced, self._led_as = self._zeroconf, None, None, ("", ())
        if zeroconf is None:
            return
        try:
            zeroconf.close()
        except Exception as error:
            log.warning("discovery_not_closed", reason=type(error).__name__)

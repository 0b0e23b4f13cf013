"""What leaves a machine, counted by the kernel: questions for names, mDNS, and packets to anybody it has no business with.

watch = Watch(network, ("a", "b"))      before the nodes start
watch.allow("10.77.0.21")               a new address of one of the four
watch.assert_offline()                  0 DNS queries, 0 packets but to loopback, peer, witness and mailbox
watch.counted("a")                      Counted(dns=0, mdns=12, foreign=0, strangers=())
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.live.pair.net import Network

# A question to a resolver on the loopback is a question all the same, so it is counted before the loopback is let pass. The counters
# sit at the output of the machine itself: a packet is counted even when nobody would have carried it any further.
_RULES = """
add table inet watch
add counter inet watch dns
add counter inet watch mdns
add counter inet watch foreign
add counter inet watch known
add set inet watch known_addresses {{ type ipv4_addr; elements = {{ {known} }}; }}
add set inet watch strangers {{ type ipv4_addr . inet_service; flags dynamic; size 1024; }}
add chain inet watch out {{ type filter hook output priority -10; policy accept; }}
add rule inet watch out meta l4proto {{ tcp, udp }} th dport 53 counter name dns accept
add rule inet watch out oifname "lo" accept
add rule inet watch out ip daddr 224.0.0.251 udp dport 5353 counter name mdns accept
add rule inet watch out ip daddr @known_addresses counter name known accept
add rule inet watch out ip protocol igmp accept
add rule inet watch out meta l4proto {{ tcp, udp }} add @strangers {{ ip daddr . th dport }}
add rule inet watch out counter name foreign
"""


@dataclass(frozen=True)
class Counted:
    """Packets that left one machine; ``strangers`` are the ADDRESS:PORT of the foreign ones."""

    dns: int
    mdns: int
    known: int
    foreign: int
    strangers: tuple[str, ...]


class Watch:
    """The counters of some machines of a network; they go away with it."""

    def __init__(self, network: Network, places: Iterable[str]) -> None:
        self._network, self._places = network, tuple(places)
        for place in self._places:
            network.nft(place, _RULES.format(known=", ".join(network.addresses.values())))

    def allow(self, address: str) -> None:
        """This too is the address of one of us."""
        for place in self._places:
            self._network.nft(place, f"add element inet watch known_addresses {{ {address} }}\n")

    def counted(self, place: str) -> Counted:
        found = self._network.nft_table(place, "watch")
        packets = {each["counter"]["name"]: int(each["counter"]["packets"]) for each in found if "counter" in each}
        return Counted(
            dns=packets["dns"],
            mdns=packets["mdns"],
            known=packets["known"],
            foreign=packets["foreign"],
            strangers=tuple(sorted(stranger for each in found for stranger in _strangers(each.get("set", {})))),
        )

    def assert_offline(self) -> None:
        """Nobody asked for a name, and nothing left for anybody but loopback, peer, witness and mailbox."""
        for place in self._places:
            counted = self.counted(place)
            assert (counted.dns, counted.foreign) == (0, 0), f"{place} spoke to others: {counted}"


def _strangers(found: dict[str, Any]) -> list[str]:
    if found.get("name") != "strangers":
        return []
    return [f"{address}:{port}" for address, port in (_pair(element) for element in found.get("elem", []))]


def _pair(element: Any) -> tuple[str, int]:
    value = element.get("elem", {}).get("val", element) if "elem" in element else element
    address, port = value["concat"]
    return str(address), int(port)

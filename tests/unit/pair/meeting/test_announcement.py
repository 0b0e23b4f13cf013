"""What a node says is understood as it was meant, and nothing else is understood."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from appliance.pair.meeting.announcement import Announcement, beside, host, instance, pair_hash, text_of, understood

ME = Announcement(node="kallio-7m9q", port=7789, fingerprint="ab" * 32, version="0.1.0", proto=2, least=1, pair=pair_hash("pair-1"))
LABELS = ("id", "pair", "proto", "min", "fp", "v", "offers")


def test_what_is_said_is_understood() -> None:
    found = understood(instance(ME.node), text_of(ME), ["10.0.0.2", "10.0.0.1"], ME.port)
    assert found is not None
    assert found.addresses == (("10.0.0.1", 7789), ("10.0.0.2", 7789))
    assert (found.node, found.fingerprint, found.proto, found.least, found.pair) == (ME.node, ME.fingerprint, 2, 1, ME.pair)
    assert not found.offers


def test_that_a_code_is_shown_is_said_only_while_it_is() -> None:
    assert "offers" not in text_of(ME)
    found = understood(instance(ME.node), text_of(replace(ME, offers=True)), ["10.0.0.1"], 1)
    assert found is not None
    assert found.offers


def test_who_speaks_for_another_node_is_not_understood() -> None:
    assert understood(instance("meri-2x4z"), text_of(ME), ["10.0.0.1"], 7789) is None


def test_a_pair_is_known_by_its_hash_and_no_pair_by_none() -> None:
    assert pair_hash("") == ""
    assert pair_hash("pair-1") != pair_hash("pair-2")
    assert "pair" not in pair_hash("pair-1")


def test_every_name_is_made_of_the_node_or_the_pair() -> None:
    assert host("kallio-7m9q") == "tandem-kallio-7m9q.local."
    assert beside(pair_hash("pair-1")) == f"tandem-{pair_hash('pair-1')[:4]}.local."
    assert beside("") == "tandem-desk.local."


@given(
    name=st.text(max_size=80),
    text=st.dictionaries(st.sampled_from(LABELS) | st.text(max_size=5), st.none() | st.text(max_size=130)),
    addresses=st.lists(st.text("0123456789.", max_size=20), max_size=12),
    port=st.none() | st.integers(-1, 100_000),
)
def test_nothing_that_is_said_breaks_whoever_hears_it(
    name: str, text: dict[str, str | None], addresses: list[str], port: int | None
) -> None:
    found = understood(name, {**text_of(ME), **text}, addresses, port)
    assert found is None or (len(found.addresses) <= 8 and instance(found.node) == name.lower())

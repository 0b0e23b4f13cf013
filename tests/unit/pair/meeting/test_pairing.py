"""Who knows the code becomes the peer, and nobody else; and who cannot be a peer is told why."""

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from appliance.ground.errors import SettingsError, StoreError
from appliance.pair.line.errors import LineLost
from appliance.pair.line.listener import Listener
from appliance.pair.line.wire import PAIRING, Line, Open
from appliance.pair.meeting.code import Secret, new_code, read_secret
from appliance.pair.meeting.errors import REASONS, PairingRefused
from appliance.pair.meeting.exchange import Exchange, Party
from appliance.pair.meeting.membership import Membership, load
from appliance.pair.meeting.pairing import Offer, join, judge
from appliance.pair.meeting.words import Answer, Introduction, No, Proof, Sealed, Start
from tests.support.clock import FakeClock
from tests.unit.pair.meeting.nodes import REAL, Door, Node, calls, joins

WORDS = Answer | Proof | Sealed | No


@pytest.fixture
def first(tmp_path: Path) -> Node:
    return Node(tmp_path, "kallio-7m9q")


@pytest.fixture
def second(tmp_path: Path) -> Node:
    return Node(tmp_path, "meri-2x4z")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def offer(first: Node, clock: FakeClock) -> Offer:
    return Offer(clock, first.introduction(), first.save)


def other_than(code: str) -> str:
    return f"{(int(code.replace(' ', '')) + 1) % 10**8:08d}"


def refused(act: Callable[[], object]) -> PairingRefused:
    with pytest.raises(PairingRefused) as caught:
        act()
    return caught.value


def test_who_types_the_code_becomes_the_peer_and_both_write_down_the_same_pair(first: Node, second: Node, offer: Offer) -> None:
    with Door(first, offer) as door:
        joined = joins(second, door, offer.code)
        one, other = first.kept(), second.kept()
        assert other == joined.membership
        assert other.last_address == f"127.0.0.1:{door.listener.port}"
    assert (one.me, one.peer, one.side, other.me, other.peer, other.side) == (
        "kallio-7m9q", "meri-2x4z", "a", "meri-2x4z", "kallio-7m9q", "b",
    )  # fmt: skip
    assert one.pair == other.pair
    assert one.secret == other.secret
    assert len(one.secret) == 32
    assert (one.peer_fingerprint, other.peer_fingerprint) == (second.identity.fingerprint, first.identity.fingerprint)
    assert (one.peer_certificate, other.peer_certificate) == (second.identity.certificate, first.identity.certificate)
    assert (one.machine, other.machine) == (first.machine, second.machine)
    assert (one.last_address, one.peer_addresses, one.peer_name) == ("127.0.0.1:7789", ("127.0.0.1:7789",), "Meri-2X4Z")
    assert offer.state == "joined"
    assert offer.joined is not None
    assert offer.joined.peer.node == "meri-2x4z"
    assert offer.ended.wait(10)


def test_a_code_has_eight_digits_and_is_shown_in_two_fours() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) > 190
    assert all(re.fullmatch(r"\d{4} \d{4}", code) for code in codes)


@pytest.mark.parametrize("typed", [lambda code: code.replace(" ", ""), lambda code: f" {code}\n", lambda code: code.replace(" ", "-")])
def test_a_code_may_be_typed_with_blanks_and_dashes_or_without(
    first: Node, second: Node, offer: Offer, typed: Callable[[str], str]
) -> None:
    with Door(first, offer) as door:
        assert joins(second, door, typed(offer.code)).peer.node == "kallio-7m9q"


@pytest.mark.parametrize("typed", ["", "1234 567", "123456789", "1234 567x", "١٢٣٤٥٦٧٨", "１２３４５６７８"])
def test_what_cannot_be_a_code_costs_no_try(first: Node, second: Node, offer: Offer, typed: str) -> None:
    with Door(first, offer) as door:
        assert refused(lambda: joins(second, door, typed)).code == "malformed_code"
    assert offer.tries_left == 3


def test_three_wrong_codes_make_it_void_and_then_the_right_one_is_refused_too(first: Node, second: Node, offer: Offer) -> None:
    with Door(first, offer) as door:
        for left in (2, 1, 0):
            told = refused(lambda: joins(second, door, other_than(offer.code)))
            assert (told.code, told.tries_left, offer.tries_left) == ("wrong_code", left, left)
        assert "last try" in told.remedy
        assert offer.state == "void"
        assert offer.ended.is_set()
        assert refused(lambda: joins(second, door, offer.code)).code == "void"
    assert load(first.home) is None
    assert load(second.home) is None


def test_after_a_wrong_code_the_right_one_still_joins(first: Node, second: Node, offer: Offer) -> None:
    with Door(first, offer) as door:
        refused(lambda: joins(second, door, other_than(offer.code)))
        assert joins(second, door, offer.code).membership.pair == first.kept().pair


def test_a_code_holds_two_minutes(first: Node, second: Node, offer: Offer, clock: FakeClock) -> None:
    with Door(first, offer) as door:
        clock.move(119.0)
        assert (offer.state, offer.expires_seconds) == ("waiting", 1.0)
        clock.move(1.0)
        assert (offer.state, offer.expires_seconds) == ("expired", 0.0)
        assert refused(lambda: joins(second, door, offer.code)).code == "expired"


def test_a_jump_of_the_wall_clock_does_not_end_a_code(first: Node, second: Node, offer: Offer, clock: FakeClock) -> None:
    clock.jump_wall_clock(7200.0)
    with Door(first, offer) as door:
        assert joins(second, door, offer.code)


def test_a_code_that_is_taken_back_is_void(first: Node, second: Node, offer: Offer) -> None:
    offer.close()
    with Door(first, offer) as door:
        assert refused(lambda: joins(second, door, offer.code)).code == "void"
    assert offer.state == "void"


class Stranger:
    """Somebody at the offerer's door who says the words one by one."""

    def __init__(self, door: Door, offer: Offer, code: str, node: str = "stranger-1") -> None:
        self.line = calls(door, node)
        offerer = Party(node=offer._me.node, fingerprint=self.line.fingerprint)
        self.exchange = Exchange("joiner", b"code:" + code.replace(" ", "").encode(), Party(node=node, fingerprint="ab" * 32), offerer)

    def start(self) -> None:
        self.line.send(Start(share=self.exchange.share, fingerprint="ab" * 32))
        self.channel = self.exchange.agree(self.line.receive(Answer, 5).share)

    def hears(self) -> Any:
        return self.line.receive(WORDS, 5)


def test_who_leaves_before_the_proof_has_learned_nothing_and_is_charged_nothing(first: Node, offer: Offer) -> None:
    with Door(first, offer) as door:
        for _ in range(5):
            stranger = Stranger(door, offer, "00000000")
            stranger.start()
            stranger.line.let_go()
            assert offer._talking.acquire(timeout=10)  # the talk with that one has ended
            offer._talking.release()
    assert (offer.tries_left, offer.state) == (3, "waiting")


def test_the_offerer_proves_nothing_to_who_has_not_proved_first(first: Node, offer: Offer) -> None:
    """Otherwise a guess would be told right or wrong without costing a try."""
    with Door(first, offer) as door:
        stranger = Stranger(door, offer, other_than(offer.code))
        stranger.start()
        stranger.line.send(Proof(mac=bytes(32)))
        assert stranger.hears() == No(code="wrong_code", tries_left=2)
        with pytest.raises(LineLost):
            stranger.hears()


def test_a_proof_that_comes_when_the_code_has_run_out_is_too_late(first: Node, offer: Offer, clock: FakeClock) -> None:
    with Door(first, offer) as door:
        stranger = Stranger(door, offer, offer.code)
        stranger.start()
        clock.move(121.0)
        stranger.line.send(Proof(mac=stranger.channel.proof()))
        assert stranger.hears().code == "expired"


def test_the_offerers_own_proof_handed_back_is_no_proof(first: Node, offer: Offer) -> None:
    """Each side proves with a key of its own, so nothing can be reflected."""
    with Door(first, offer) as door:
        stranger = Stranger(door, offer, offer.code)
        stranger.start()
        stranger.line.send(Proof(mac=stranger.channel.proof()))
        assert stranger.channel.proves(stranger.hears().mac)
        assert not stranger.channel.proves(stranger.channel.proof())


def test_while_one_joiner_is_talked_to_another_is_asked_to_wait(first: Node, second: Node, offer: Offer) -> None:
    with Door(first, offer) as door:
        stranger = Stranger(door, offer, "00000000")
        stranger.start()
        assert refused(lambda: joins(second, door, offer.code)).code == "busy"
        stranger.line.close()


class Between:
    """A man in the middle: a door with a certificate of its own that passes every word on to the real one, and back."""

    def __init__(self, node: Node, door: Door) -> None:
        self.door = door
        self.passed: list[object] = []
        self.listener = Listener("127.0.0.1", 0, node.identity, trusted=lambda: (), services={PAIRING: self.serve}, judge=lambda _: "")
        # It calls itself by the offerer's name, as it must.
        self.listener._identity = replace(node.identity, node="kallio-7m9q")
        self.listener.start()
        self.address = ("127.0.0.1", self.listener.port)

    def serve(self, line: Line, open_: Open) -> None:
        beyond = calls(self.door, open_.node)
        back = threading.Thread(target=self._pass, args=(beyond, line))
        back.start()
        self._pass(line, beyond)
        back.join(10)

    def _pass(self, one: Line, other: Line) -> None:
        try:
            while True:
                self.passed.append(one.receive(Start | WORDS, 5))
                other.send(self.passed[-1])  # type: ignore[arg-type]
        except LineLost:
            other.let_go()


def test_a_man_in_the_middle_who_passes_the_words_on_is_found_and_learns_no_secret(
    first: Node, second: Node, offer: Offer, tmp_path: Path
) -> None:
    with Door(first, offer) as door:
        between = Between(Node(tmp_path, "between-1"), door)
        try:
            assert refused(lambda: joins(second, between, offer.code)).code == "wrong_code"  # type: ignore[arg-type]
        finally:
            between.listener.stop()
    assert offer.tries_left == 2
    assert [type(each) for each in between.passed if isinstance(each, Sealed)] == []
    assert load(first.home) is None
    assert load(second.home) is None


def test_who_answers_in_the_offerers_place_without_the_code_is_told_nothing(first: Node, second: Node) -> None:
    heard: list[object] = []

    def rogue(line: Line, open_: Open) -> None:
        start = line.receive(Start, 5)
        joiner, me = Party(node=open_.node, fingerprint=start.fingerprint), Party(node=first.name, fingerprint=first.identity.fingerprint)
        exchange = Exchange("offerer", b"code:00000000", joiner, me)
        line.send(Answer(share=exchange.share))
        heard.append(line.receive(WORDS, 5))
        line.send(Proof(mac=exchange.agree(start.share).proof()))
        heard.append(line.receive(WORDS, 5))

    listener = Listener("127.0.0.1", 0, first.identity, trusted=lambda: (), services={PAIRING: rogue}, judge=lambda _: "")
    listener.start()
    try:
        address, me = ("127.0.0.1", listener.port), second.introduction(empty=True)
        assert refused(lambda: join(address, "1234 5678", second.identity, me, second.save, REAL)).code == "wrong_code"
    finally:
        listener.stop()
    assert [type(each) for each in heard] == [Proof, No]
    assert load(second.home) is None


def test_a_copied_home_is_told_apart_from_the_node_itself(first: Node, offer: Offer, tmp_path: Path) -> None:
    copy = Node(tmp_path, "kallio-7m9q", board="another-machine")
    with Door(first, offer) as door:
        assert refused(lambda: joins(copy, door, offer.code)).code == "twin"
        assert refused(lambda: joins(first, door, offer.code)).code == "itself"
    assert offer.state == "waiting"


@pytest.mark.parametrize(
    ("joiner", "offerer", "code"),
    [
        ({}, {}, ""),
        ({"proto": 2, "least": 1}, {}, ""),
        ({"proto": 1, "least": 1}, {"proto": 3, "least": 2}, "too_old"),
        ({"proto": 3, "least": 2}, {"proto": 1, "least": 1}, "too_new"),
        ({"empty": False}, {}, "not_empty"),
        ({"pair": "pair-9"}, {}, "other_pair"),
        ({}, {"pair": "pair-9"}, "paired"),
        ({"node": "kallio-7m9q"}, {}, "twin"),
        ({"node": "kallio-7m9q", "machine": ""}, {}, "twin"),
    ],
)
def test_who_cannot_be_a_pair_is_told_why(first: Node, second: Node, joiner: dict[str, Any], offerer: dict[str, Any], code: str) -> None:
    assert judge(second.introduction(**{"empty": True, **joiner}), first.introduction(**offerer)) == code


def test_the_offerer_judges_the_joiner_by_what_it_says_under_seal(first: Node, second: Node, clock: FakeClock) -> None:
    offer = Offer(clock, first.introduction(proto=3, least=2), first.save)
    with Door(first, offer) as door:
        assert refused(lambda: joins(second, door, offer.code)).code == "too_old"
    assert offer.tries_left == 3, "the code was right"
    assert load(first.home) is None


def test_a_joiner_with_cases_or_a_pair_of_its_own_does_not_even_call(first: Node, second: Node, offer: Offer) -> None:
    with Door(first, None) as door:
        assert refused(lambda: joins(second, door, offer.code, empty=False)).code == "not_empty"
        assert refused(lambda: joins(second, door, offer.code, pair="pair-9")).code == "other_pair"


def test_a_node_in_a_pair_shows_no_code(first: Node, clock: FakeClock) -> None:
    assert refused(lambda: Offer(clock, first.introduction(pair="pair-9"), first.save)).code == "paired"


def test_a_certificate_that_is_not_the_one_of_the_proof_is_refused(first: Node, second: Node, offer: Offer) -> None:
    with Door(first, offer) as door:
        line = calls(door, "meri-2x4z")
        other = "ab" * 32
        exchange = Exchange(
            "joiner", b"code:" + offer.code.replace(" ", "").encode(),
            Party(node="meri-2x4z", fingerprint=other), Party(node=first.name, fingerprint=line.fingerprint),
        )  # fmt: skip
        line.send(Start(share=exchange.share, fingerprint=other))
        channel = exchange.agree(line.receive(Answer, 5).share)
        line.send(Proof(mac=channel.proof()))
        assert channel.proves(line.receive(Proof, 5).mac)
        line.send(channel.seal(second.introduction(empty=True)))
        assert line.receive(WORDS, 5) == No(code="wrong_certificate")


def test_the_code_joins_one_node_and_no_other(first: Node, second: Node, offer: Offer, tmp_path: Path) -> None:
    with Door(first, offer) as door:
        joins(second, door, offer.code)
        assert refused(lambda: joins(Node(tmp_path, "niemi-3a3a"), door, offer.code)).code == "paired"
    assert first.kept().peer == "meri-2x4z"


def test_a_joiner_that_lost_the_last_word_joins_the_same_pair_again(first: Node, second: Node, offer: Offer) -> None:
    def power_loss(_: Membership) -> None:
        raise StoreError("The power went away.")

    with Door(first, offer) as door:
        lost = replace_save(second, power_loss)
        with pytest.raises(StoreError):
            joins(lost, door, offer.code)
        assert load(second.home) is None
        before = first.kept()
        joins(second, door, offer.code)
    assert second.kept().pair == first.kept().pair == before.pair
    assert second.kept().secret == before.secret


def replace_save(node: Node, save: Callable[[Membership], None]) -> Node:
    other = Node.__new__(Node)
    other.__dict__.update(node.__dict__, save=save)
    return other


def test_an_offerer_that_cannot_write_it_down_leaves_both_alone(first: Node, second: Node, clock: FakeClock) -> None:
    def full(_: Membership) -> None:
        raise OSError(28, "No space left on device")

    offer = Offer(clock, first.introduction(), full)
    with Door(first, offer) as door:
        assert refused(lambda: joins(second, door, offer.code)).code == "cannot_save"
    assert offer.state == "waiting"
    assert load(second.home) is None


def test_where_nobody_shows_a_code_or_nobody_is_the_joiner_is_told(first: Node, second: Node) -> None:
    with Door(first, None) as door:
        assert refused(lambda: joins(second, door, "1234 5678")).code == "no_pairing"
    assert refused(lambda: joins(second, door, "1234 5678")).code == "unreachable"


def test_a_secret_file_joins_without_a_person_and_never_expires(first: Node, second: Node, clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("  0123456789abcdef\n")
    secret = read_secret(tmp_path / "secret")
    offer = Offer(clock, first.introduction(), first.save, secret)
    clock.move(1_000_000.0)
    assert (offer.code, offer.state, offer.tries_left) == ("", "waiting", -1)
    with Door(first, offer) as door:
        assert joins(second, door, secret).membership.pair == first.kept().pair


def test_a_wrong_secret_does_not_stop_the_set_up_but_is_asked_for_once_a_second(first: Node, second: Node, clock: FakeClock) -> None:
    right, wrong = Secret(words="0123456789abcdef"), Secret(words="0123456789abcdeg")
    offer = Offer(clock, first.introduction(), first.save, right)
    with Door(first, offer) as door:
        for _ in range(5):
            assert refused(lambda: joins(second, door, wrong)).code == "wrong_code"
            assert refused(lambda: joins(second, door, right)).code == "busy"
            clock.move(1.0)
        assert joins(second, door, right)


@pytest.mark.parametrize("content", [b"short", b" " * 40, b"\xff" * 40, None])
def test_a_secret_that_is_none_is_named_with_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_secret(file)
    assert str(file) in caught.value.message
    assert caught.value.remedy


def test_a_secret_is_printed_nowhere(first: Node, second: Node, offer: Offer) -> None:
    with Door(first, offer) as door:
        joined = joins(second, door, offer.code)
    assert joined.membership.secret.hex() not in repr(joined)
    assert repr(joined.membership.secret) not in repr(joined)
    assert "0123456789abcdef" not in repr(Secret(words="0123456789abcdef"))


def test_every_reason_has_a_sentence_and_a_remedy() -> None:
    for code, (message, remedy) in REASONS.items():
        error = PairingRefused(code)
        assert (error.code, error.message, error.remedy) == (code, message, remedy)
        assert message.endswith(".")
        assert remedy
    assert PairingRefused("newer-than-this-node").code == "bad_message"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.one_of(
    st.builds(Start, share=st.binary(min_size=33, max_size=33), fingerprint=st.just("ab" * 32)),
    st.builds(Start, share=st.binary(max_size=40), fingerprint=st.text(max_size=70)),
    st.builds(Proof, mac=st.binary(max_size=33)),
    st.builds(Sealed, box=st.binary(max_size=100)),
    st.builds(No, code=st.text(max_size=50)),
    st.builds(Answer, share=st.binary(min_size=33, max_size=33)),
), min_size=1, max_size=3))  # fmt: skip
def test_whatever_a_stranger_says_the_offer_goes_on(tmp_path: Path, words: list[msgspec.Struct]) -> None:
    offering = Node(tmp_path, "kallio-7m9q")
    offer = Offer(REAL, offering.introduction(), offering.save)
    with Door(offering, offer) as door:
        line = calls(door, "stranger-1")
        try:
            for word in words:
                line.send(word)
        except LineLost:
            pass  # it has heard enough
        line.let_go()
        assert offer._talking.acquire(timeout=10)
        offer._talking.release()
    assert offer.state == "waiting"
    assert offer.tries_left >= 2


def test_an_introduction_has_limits_in_every_field(first: Node) -> None:
    good = first.introduction()
    bad: list[dict[str, Any]] = [
        {"node": "x" * 64}, {"node": "Kallio"}, {"node": "../etc"}, {"name": "x" * 121}, {"certificate": "x" * 20_000}, {"key": "ab"},
        {"port": 0}, {"port": 70_000}, {"addresses": ("a",) * 9}, {"addresses": ("a" * 121,)}, {"proto": -1}, {"machine": "x" * 200},
    ]  # fmt: skip
    for change in bad:
        with pytest.raises(msgspec.ValidationError):
            msgspec.msgpack.decode(msgspec.msgpack.encode(replace(good, **change)), type=Introduction)

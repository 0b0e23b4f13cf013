"""The door for lines: who comes in, how far, and that nobody can keep the peer out."""

import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.ground.clock import SystemClock
from appliance.pair.line.certificate import Identity, fingerprint_of, prepare, rotate
from appliance.pair.line.errors import LineError, LineLost, LineRefused
from appliance.pair.line.listener import Listener
from appliance.pair.line.lobby import INSIDE_MOST, ROOM
from appliance.pair.line.stream import Stream, calling_context
from appliance.pair.line.wire import Line, Open, Opened, Refused
from tests.unit.pair.line.ends import PATIENCE, Held, Say, World, echo, ended, outcome, plain


def refusal(world: World, listener: Listener, service: str = "echo", **options: object) -> str:
    with pytest.raises(LineRefused) as caught:
        world.call(listener, service, **options)  # type: ignore[arg-type]
    return caught.value.code


def never(*_: object) -> NoReturn:
    raise AssertionError("nobody should have come this far")


def forged(genuine: Identity, folder: Path, *, with_its_key: bool) -> Identity:
    """A key of its own under every word of a genuine certificate: signed by itself, or by the key of the genuine one."""
    model = x509.load_pem_x509_certificate(genuine.certificate.encode())
    own = ec.generate_private_key(ec.SECP256R1())
    signer = serialization.load_pem_private_key(genuine.path.read_bytes(), None) if with_its_key else own
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(model.issuer, model.subject, own.public_key(), model.serial_number)
    builder = builder.not_valid_before(model.not_valid_before_utc).not_valid_after(model.not_valid_after_utc)
    public = builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "forged.pem"
    path.write_bytes(private + public + genuine.certificate.encode())
    return Identity(node=genuine.node, path=path, certificate=public.decode(), fingerprint=fingerprint_of(public.decode()))


def test_the_peer_comes_in(world: World) -> None:
    with world.listening() as listener:
        line = world.call(listener)
        line.send(Say(number=1))
        assert line.receive(Say, PATIENCE).number == 1


def test_a_foreign_certificate_does_not_come_in(world: World) -> None:
    with world.listening({"echo": never, "pairing": never}, judge=never) as listener:
        assert refusal(world, listener, identity=world.stranger) == "unknown_node"
        assert refusal(world, listener, "pairing", identity=world.stranger) == "unknown_node"


@pytest.mark.parametrize("with_its_key", [False, True], ids=["signed by itself", "signed by the peer's key"])
def test_a_forged_certificate_in_the_name_of_the_peer_does_not_come_in(world: World, with_its_key: bool) -> None:
    with world.listening({"echo": never}, judge=never) as listener:
        assert refusal(world, listener, identity=forged(world.there, world.folder, with_its_key=with_its_key)) == "unknown_node"


def test_no_word_is_said_to_a_foreign_certificate(world: World) -> None:
    world.here = world.stranger  # somebody else listens at the peer's address, and would let us in
    with world.listening({"echo": never}, judge=never) as listener:
        assert refusal(world, listener, pin=world.there.fingerprint) == "foreign_certificate"
        assert refusal(world, listener, pin=()) == "foreign_certificate"


@pytest.mark.parametrize("with_its_key", [False, True], ids=["signed by itself", "signed by the peer's key"])
def test_a_forged_certificate_in_the_name_of_the_peer_does_not_answer_for_it(world: World, with_its_key: bool) -> None:
    genuine = world.here.fingerprint
    world.here = forged(world.here, world.folder, with_its_key=with_its_key)
    with world.listening({"echo": never}, judge=never) as listener:
        assert refusal(world, listener, pin=genuine) == "foreign_certificate"


def test_a_guest_may_pair_and_shows_no_certificate(world: World) -> None:
    held = Held()
    with world.listening({"pairing": held, "echo": echo}) as listener:
        line = world.call(listener, "pairing", identity=world.stranger, pin=None)
        assert held.wait().fingerprint == held.wait().certificate == ""
        assert line.fingerprint == world.here.fingerprint
        held.let_go()


def guest(world: World, listener: Listener, service: str) -> Line:
    """A line of somebody who shows no certificate, and asks for whatever it likes."""
    stream = Stream(plain(listener), calling_context(None), SystemClock(), server=False)
    stream.shake_hands(PATIENCE)
    line = Line(stream, ("127.0.0.1", listener.port), SystemClock())
    line.send(Open(service=service, node=world.there.node, pair="p-1", version="1"))
    return line


def test_a_guest_gets_nothing_but_pairing(world: World) -> None:
    with world.listening({"echo": never, "pairing": echo}) as listener:
        assert guest(world, listener, "echo").receive(Opened | Refused, PATIENCE) == Refused(code="unknown_node")
        assert guest(world, listener, "files").receive(Opened | Refused, PATIENCE) == Refused(code="unknown_node")
        assert isinstance(guest(world, listener, "pairing").receive(Opened | Refused, PATIENCE), Opened)


def test_without_a_peer_there_is_nothing_but_pairing(world: World) -> None:
    world.trusted = ()
    with world.listening({"echo": never, "pairing": echo}) as listener:
        assert refusal(world, listener) == "unknown_node"
        world.call(listener, "pairing", pin=None).close()


def test_a_guest_may_not_send_more_than_small_frames(world: World) -> None:
    held = Held()
    with world.listening({"pairing": held}) as listener:
        line = world.call(listener, "pairing", pin=None)
        line.frame_most = 1_000_000
        line.send(Say(data=bytes(70_000)))
        with pytest.raises(LineError) as caught:
            held.wait().receive(Say, PATIENCE)
        assert caught.value.code == "bad_frame"
        held.let_go()


def test_a_caller_that_knows_only_tls_1_2_does_not_come_in(world: World) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(world.there.path)
    with world.listening({"echo": never}) as listener, plain(listener) as connection:
        with pytest.raises(ssl.SSLError) as caught:
            context.wrap_socket(connection)
        assert caught.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"


@pytest.mark.parametrize("code", ["wrong_pair", "twin", "not_leading", "no_pairing", "not_empty", "wrong_code"])
def test_the_judge_has_the_last_word(world: World, code: str) -> None:
    with world.listening({"echo": never}, judge=lambda _: code) as listener:
        assert refusal(world, listener) == code


def test_the_judge_hears_who_wants_what(world: World) -> None:
    heard: list[Open] = []
    with world.listening({"echo": echo}, judge=lambda open_: heard.append(open_) or "busy") as listener:  # type: ignore[func-returns-value]
        assert refusal(world, listener) == "busy"
    assert (heard[0].service, heard[0].node, heard[0].pair) == ("echo", world.there.node, "p-1")


def test_a_judge_that_breaks_lets_nobody_in(world: World) -> None:
    with world.listening({"echo": never}, judge=never) as listener:
        assert refusal(world, listener) == "failed"


@pytest.mark.parametrize(("proto", "least", "code"), [(0, 0, "too_old"), (9, 2, "too_new")])
def test_versions_that_share_no_language_do_not_talk(world: World, proto: int, least: int, code: str) -> None:
    with world.listening({"echo": never}) as listener:
        assert refusal(world, listener, proto=proto, least=least) == code


def test_a_newer_version_that_still_speaks_our_language_comes_in(world: World) -> None:
    with world.listening() as listener:
        world.call(listener, proto=9, least=1).close()


def test_a_service_that_is_not_there_is_refused(world: World) -> None:
    with world.listening() as listener:
        assert refusal(world, listener, "dancing") == "no_such_service"


def test_a_service_that_breaks_ends_its_own_line_only(world: World) -> None:
    def breaks(line: Line, _: Open) -> None:
        raise ZeroDivisionError(line.receive(Say, PATIENCE).number)

    with world.listening({"breaks": breaks, "echo": echo}) as listener:
        other, line = world.call(listener), world.call(listener, "breaks")
        line.send(Say(number=1))
        with pytest.raises(LineLost):
            line.receive(Say, PATIENCE)
        other.send(Say(number=2))
        assert other.receive(Say, PATIENCE).number == 2


def test_the_peer_may_not_hold_more_lines_than_there_is_room_for(world: World) -> None:
    with world.listening() as listener:
        lines = [world.call(listener) for _ in range(ROOM["member"])]
        assert refusal(world, listener) == "busy"
        lines[0].close()
        lines[1].send(Say(number=1))
        assert lines[1].receive(Say, PATIENCE).number == 1


def test_guests_cannot_take_the_room_of_the_peer(world: World) -> None:
    with world.listening() as listener:
        guests = [world.call(listener, "pairing", pin=None) for _ in range(ROOM["guest"])]
        assert refusal(world, listener, "pairing", pin=None) == "busy"
        world.call(listener).send(Say(number=1))
        assert len(guests) == ROOM["guest"]


@pytest.mark.parametrize("words", [b"", b"\x16", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(100), bytes(100_000)])
def test_whoever_is_silent_or_talks_nonsense_is_gone_in_time(world: World, words: bytes) -> None:
    with world.listening({"echo": never}, arrival_seconds=0.2) as listener, plain(listener) as connection:
        connection.sendall(words)
        assert ended(connection)


@pytest.mark.parametrize(
    "words", [b"", b"\x00\x00", struct.pack(">I", 100) + b"half", struct.pack(">I", 64 * 1024 + 1), struct.pack(">I", 4) + b"????"]
)
def test_a_first_frame_that_is_none_ends_the_line_in_time(world: World, words: bytes) -> None:
    with world.listening({"echo": never}, judge=never, arrival_seconds=0.2) as listener:
        stream = Stream(plain(listener), calling_context(world.there), SystemClock(), server=False)
        stream.shake_hands(PATIENCE)
        if words:
            stream.write(words)
        with pytest.raises(LineLost):
            stream.read(SystemClock().elapsed() + PATIENCE)


def test_a_flood_of_strangers_does_not_keep_the_peer_out(world: World) -> None:
    """They stay much longer than the test runs, and come again as soon as they are pushed out."""
    with world.listening(arrival_seconds=600.0) as listener:
        over = threading.Event()
        came = threading.Semaphore(0)

        def flood() -> None:
            held: list[socket.socket] = []
            while not over.is_set():
                held.append(plain(listener, "127.0.0.2"))
                came.release()
                if len(held) > 100:
                    held.pop(0).close()
            for connection in held:
                connection.close()

        flooding = outcome(flood)
        for _ in range(100):
            assert came.acquire(timeout=PATIENCE)
        for number in range(5):
            line = world.call(listener)
            line.send(Say(number=number))
            assert line.receive(Say, PATIENCE).number == number
        assert sum(thread.name == "line" for thread in threading.enumerate()) <= INSIDE_MOST
        over.set()
        flooding()


def test_the_peer_gets_in_past_silent_strangers_at_its_own_address(world: World) -> None:
    with world.listening(arrival_seconds=600.0) as listener:
        strangers = [plain(listener) for _ in range(3 * ROOM["arriving"])]
        line = world.call(listener)
        line.send(Say(number=1))
        assert line.receive(Say, PATIENCE).number == 1
        for connection in strangers:
            connection.close()


def test_stopping_ends_every_line_and_every_thread(world: World) -> None:
    with world.listening() as listener:
        line, stranger = world.call(listener), plain(listener)
        waiting = outcome(lambda: line.receive(Say, 600.0))
        listener.stop()
        assert isinstance(waiting(), LineLost)
        assert ended(stranger)
        assert not [thread for thread in threading.enumerate() if thread.name in ("line", "line-listener")]
        with pytest.raises(LineLost):
            world.call(listener)


def test_a_port_that_is_taken_is_named_with_a_remedy(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener = Listener("127.0.0.1", port, world.here, trusted=tuple, services={}, judge=lambda _: "")
        with pytest.raises(LineError) as caught:
            listener.start()
        assert str(port) in caught.value.message
        assert caught.value.remedy
        listener.stop()


def test_both_families_of_addresses_reach_one_port(world: World) -> None:
    held = Held()
    with world.listening({"held": held, "echo": echo}, host="") as listener:
        world.call(listener, "held", host="127.0.0.1")
        assert held.wait().address[0] == "127.0.0.1"
        held.let_go()
        if socket.has_dualstack_ipv6() and _has_ipv6():
            line = world.call(listener, host="::1")
            line.send(Say(number=6))
            assert line.receive(Say, PATIENCE).number == 6


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_certificates_that_cannot_be_used_let_nobody_in_until_they_can(world: World) -> None:
    good = world.trusted
    with world.listening({"echo": echo}) as listener:
        for bad in ("nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            world.trusted = (bad,)
            with pytest.raises(LineLost):
                world.call(listener)
        world.trusted = good
        world.call(listener).close()


def test_trust_that_is_withdrawn_holds_for_the_next_line(world: World) -> None:
    with world.listening() as listener:
        world.call(listener).close()
        world.trusted = (world.stranger.certificate,)
        assert refusal(world, listener) == "unknown_node"
        world.call(listener, identity=world.stranger).close()


def test_the_called_side_changes_its_certificate_and_the_line_stays(world: World) -> None:
    folder, before = world.folder / "here", world.here
    with world.listening() as listener:
        line = world.call(listener)
        following = prepare(folder, before.node)
        pins = (before.fingerprint, following.fingerprint)  # told over the line, and trusted from now on
        world.call(listener, pin=pins).close()
        listener.use(rotate(folder, before.node))
        world.call(listener, pin=pins).close()
        world.call(listener, pin=following.fingerprint).close()
        assert refusal(world, listener, pin=before.fingerprint) == "foreign_certificate"
        line.send(Say(number=1))
        assert line.receive(Say, PATIENCE).number == 1


def test_the_calling_side_changes_its_certificate(world: World) -> None:
    folder, before = world.folder / "there", world.there
    with world.listening() as listener:
        following = prepare(folder, before.node)
        world.trusted = (before.certificate, following.certificate)
        world.call(listener).close()
        after = rotate(folder, before.node)
        world.call(listener, identity=after).close()
        world.trusted = (following.certificate,)
        world.call(listener, identity=after).close()


def test_what_is_refused_is_counted(world: World) -> None:
    with world.listening() as listener:
        refusal(world, listener, "dancing")
        refusal(world, listener, identity=world.stranger)
    assert listener.refused == 2

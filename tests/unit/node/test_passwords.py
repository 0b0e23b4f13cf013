"""Passwords: how strong the hash is, how many at a time, and what a stranger learns."""

import threading
import time

import pytest
from argon2 import extract_parameters, profiles

from appliance.node import passwords
from appliance.node.passwords import NOBODYS, PasswordRefused, SignInBusy

GOOD = "correct horse battery"


def test_the_hash_is_argon2id_as_rfc_9106_says_for_small_machines() -> None:
    assert extract_parameters(passwords.hash_of(GOOD)) == profiles.RFC_9106_LOW_MEMORY
    found = profiles.RFC_9106_LOW_MEMORY
    assert (found.time_cost, found.memory_cost, found.parallelism, found.hash_len, found.salt_len) == (3, 64 * 1024, 4, 32, 16)


def test_a_password_fits_its_hash_and_no_other_does() -> None:
    encoded = passwords.hash_of(GOOD)
    assert passwords.fits(encoded, GOOD)
    assert not passwords.fits(encoded, GOOD + " ")
    assert passwords.hash_of(GOOD) != encoded


def test_a_letter_is_the_same_however_the_keyboard_composed_it() -> None:
    assert passwords.fits(passwords.hash_of("pa\u0308iva\u0308nkakkara"), "p\u00e4iv\u00e4nkakkara")


def test_for_a_name_that_nobody_has_the_same_work_is_done_and_nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extract_parameters(NOBODYS) == profiles.RFC_9106_LOW_MEMORY
    verified: list[str] = []
    real = passwords._hasher().verify

    class Counting:
        def verify(self, encoded: str, password: bytes) -> bool:
            verified.append(encoded)
            return real(encoded, password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    assert not passwords.fits("", GOOD)
    assert not passwords.fits("", "")
    assert verified == [NOBODYS, NOBODYS]


def test_nobody_gets_in_without_a_hash_even_if_one_were_found_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    class Agreeing:
        def verify(self, *_: object) -> bool:
            return True

    monkeypatch.setattr(passwords, "_hasher", Agreeing)
    assert not passwords.fits("", GOOD)


def test_a_damaged_hash_lets_nobody_in() -> None:
    assert not passwords.fits("$argon2id$v=19$broken", GOOD)


def test_only_one_is_worked_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, lock = [0], [0], threading.Lock()

    class Slow:
        def verify(self, *_: object) -> bool:
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            with lock:
                inside[0] -= 1
            return True

    monkeypatch.setattr(passwords, "_hasher", Slow)
    threads = [threading.Thread(target=passwords.fits, args=("x", GOOD)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_whoever_waits_too_long_is_sent_away_and_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.01)
    with passwords._one_at_a_time, pytest.raises(SignInBusy):
        passwords.fits("", GOOD)
    assert not passwords.fits("", GOOD)


@pytest.mark.parametrize(
    "password", ["", "short", "a" * 40, "x" * 257, "aino laine 2026", "Aino Laine!!", "abababababab", "aino@pumps.example1"]
)
def test_a_password_that_is_easily_guessed_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        passwords.check(password, "Aino Laine", "aino@pumps.example")


@pytest.mark.parametrize("password", [GOOD, "x7!Kq-44pZw2", "päivänkakkara ja pumppu", "aino laine pumppaa vettä"])
def test_an_ordinary_good_password_is_taken(password: str) -> None:
    passwords.check(password, "Aino Laine", "")

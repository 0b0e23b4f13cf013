"""A node's key and certificate, and how they are replaced."""

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.pair.line.certificate import fingerprint_of, load_or_make, prepare, rotate
from appliance.pair.line.errors import LineError


def test_an_identity_is_made_once_and_found_again(tmp_path: Path) -> None:
    assert load_or_make(tmp_path, "kallio-7m9q") == load_or_make(tmp_path, "kallio-7m9q")


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    made = load_or_make(tmp_path / "line", "kallio-7m9q")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700


def test_what_is_shown_to_others_holds_no_key(tmp_path: Path) -> None:
    assert "PRIVATE" not in load_or_make(tmp_path, "kallio-7m9q").certificate


def test_a_certificate_outlives_every_clock_and_vouches_for_nobody_else(tmp_path: Path) -> None:
    made = x509.load_pem_x509_certificate(load_or_make(tmp_path, "kallio-7m9q").certificate.encode())
    assert (made.not_valid_before_utc.year, made.not_valid_after_utc.year) == (1970, 9999)
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_fingerprint_is_the_sha_256_of_the_der(tmp_path: Path) -> None:
    made = load_or_make(tmp_path, "kallio-7m9q")
    assert len(made.fingerprint) == 64
    assert made.fingerprint == fingerprint_of(made.certificate)
    assert x509.load_pem_x509_certificate(made.certificate.encode()).fingerprint(SHA256()).hex() == made.fingerprint


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ä" * 10, "x" * 100_000]
)
def test_what_is_no_certificate_has_no_fingerprint(text: str) -> None:
    with pytest.raises(LineError):
        fingerprint_of(text)


def test_two_certificates_in_one_have_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(LineError):
        fingerprint_of(load_or_make(tmp_path / "a", "a").certificate + load_or_make(tmp_path / "b", "b").certificate)


def test_a_file_with_a_key_is_never_taken_for_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(LineError):
        fingerprint_of(load_or_make(tmp_path, "a").path.read_text())


@pytest.mark.parametrize("content", [b"", b"nothing", b"\xff\xfe"])
def test_a_damaged_identity_is_named_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    made = load_or_make(tmp_path, "kallio-7m9q")
    made.path.write_bytes(content)
    with pytest.raises(LineError) as caught:
        load_or_make(tmp_path, "kallio-7m9q")
    assert str(made.path) in caught.value.message
    assert caught.value.remedy
    assert made.path.read_bytes() == content


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    one, other = load_or_make(tmp_path / "one", "one"), load_or_make(tmp_path / "other", "other")
    key = one.path.read_text().split("-----BEGIN CERTIFICATE")[0]
    one.path.write_text(key + other.certificate)
    with pytest.raises(LineError):
        load_or_make(tmp_path / "one", "one")


def test_a_prepared_identity_is_not_used_before_its_time(tmp_path: Path) -> None:
    before = load_or_make(tmp_path, "kallio-7m9q")
    following = prepare(tmp_path, "kallio-7m9q")
    assert prepare(tmp_path, "kallio-7m9q") == following
    assert load_or_make(tmp_path, "kallio-7m9q") == before
    after = rotate(tmp_path, "kallio-7m9q")
    assert after.fingerprint == following.fingerprint != before.fingerprint
    assert load_or_make(tmp_path, "kallio-7m9q") == after


def test_rotating_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    prepare(tmp_path, "kallio-7m9q")
    assert rotate(tmp_path, "kallio-7m9q") == rotate(tmp_path, "kallio-7m9q")


def test_a_damaged_prepared_identity_leaves_the_present_one_in_place(tmp_path: Path) -> None:
    before = load_or_make(tmp_path, "kallio-7m9q")
    prepare(tmp_path, "kallio-7m9q").path.write_bytes(b"nothing")
    with pytest.raises(LineError):
        rotate(tmp_path, "kallio-7m9q")
    assert load_or_make(tmp_path, "kallio-7m9q") == before


def test_openssl_can_use_what_was_made(tmp_path: Path) -> None:
    made = load_or_make(tmp_path, "kallio-7m9q")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.path)

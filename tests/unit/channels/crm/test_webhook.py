"""The way to the CRM over real HTTP, against the stub with each of its faults, and over TLS."""

import datetime
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.channels.crm.errors import fault_of
from appliance.channels.crm.signature import key_of, new_secret
from appliance.channels.crm.stub import FAULTS, CrmStub
from appliance.channels.crm.webhook import Webhook, WebhookOptions, error_code
from appliance.ground.clock import SystemClock
from appliance.ground.errors import SettingsError
from appliance.records.push import PUSH_REASONS, Push, PushOutcome, PushState

CLOCK = SystemClock()
SECRET = new_secret()
PUSH = Push(id="w-1", case="c-1", state=PushState.SENDING, payload='{"type":"case.saved","data":{"message":"Kalle wants pumps"}}')


@pytest.fixture
def stub() -> Iterator[CrmStub]:
    stub = CrmStub(CLOCK, [key_of(SECRET)])
    stub.start()
    yield stub
    stub.stop()


def webhook(url: str, *secrets: str, seconds: float = 0.5, authorities: Path | None = None) -> Webhook:
    chosen = secrets or (SECRET,)
    return Webhook(WebhookOptions(url=url, secrets=lambda: chosen, authorities=authorities, timeout_seconds=seconds), CLOCK)


def test_a_push_arrives_signed_and_whole(stub: CrmStub) -> None:
    result = webhook(stub.url).deliver(PUSH)
    assert (result.outcome, result.response_code, fault_of(result)) == (PushOutcome.SYNCED, 200, None)
    (taken,) = stub.taken()
    assert (taken.id, taken.document) == ("w-1", json.loads(PUSH.payload))


def test_the_same_push_again_is_known_by_its_id(stub: CrmStub) -> None:
    for _ in range(3):
        assert webhook(stub.url).deliver(PUSH).outcome is PushOutcome.SYNCED
    (taken,) = stub.taken()
    assert taken.times == 3


EXPECTED = {
    "500": ("server_error", 500, False),
    "429": ("too_many", 429, False),
    "400": ("refused", 400, True),
    "410": ("gone", 410, True),
    "redirect": ("moved", 307, False),
    "hang": ("timeout", 0, False),
    "slow": ("timeout", 0, False),
    "wrong": ("bad_answer", 200, False),
    "garbage": ("bad_answer", 0, False),
    "endless": ("too_long", 200, False),
    "drop": ("dropped", 0, False),
    "forget": ("dropped", 0, False),
}


def test_each_fault_of_the_stub_is_tried() -> None:
    assert {*EXPECTED, "none"} == set(FAULTS)


@pytest.mark.parametrize("fault", EXPECTED)
def test_whatever_goes_wrong_is_said_with_a_reason_a_remedy_and_no_word_of_the_customers(stub: CrmStub, fault: str) -> None:
    stub.fault = fault
    result = webhook(stub.url).deliver(PUSH)
    reason, code, refused = EXPECTED[fault]
    assert (result.reason, result.response_code, result.outcome is PushOutcome.REFUSED) == (reason, code, refused)
    assert result.reason in PUSH_REASONS
    told = fault_of(result)
    assert told is not None
    assert told.remedy
    assert "Kalle" not in str(told)
    stub.fault = "none"
    assert webhook(stub.url).deliver(PUSH).outcome is PushOutcome.SYNCED
    assert len(stub.taken()) == 1


def test_a_pause_that_the_crm_asks_for_is_heard(stub: CrmStub) -> None:
    stub.fault = "429"
    result = webhook(stub.url).deliver(PUSH)
    assert (result.retry_after_seconds, result.crm_error, result.blameless) == (1.0, "too_many_requests", True)


def test_a_wrong_secret_is_told_apart_and_one_of_two_is_enough(stub: CrmStub) -> None:
    result = webhook(stub.url, new_secret()).deliver(PUSH)
    assert (result.reason, result.crm_error, stub.refused_signatures) == ("sign_in", "bad_signature", 1)
    assert webhook(stub.url, new_secret(), SECRET).deliver(PUSH).outcome is PushOutcome.SYNCED


def test_without_a_usable_secret_nothing_is_sent(stub: CrmStub) -> None:
    assert webhook(stub.url, "whsec_oops").deliver(PUSH).reason == "secret"

    def unreadable() -> tuple[str, ...]:
        raise SettingsError("no such file")

    assert Webhook(WebhookOptions(url=stub.url, secrets=unreadable), CLOCK).deliver(PUSH).reason == "secret"
    assert stub.requests == 0


def test_nobody_there_is_no_connection(stub: CrmStub) -> None:
    stub.stop()
    assert webhook(stub.url).deliver(PUSH).reason == "connect"


def test_a_redirect_is_not_followed(stub: CrmStub) -> None:
    stub.fault = "redirect"
    webhook(stub.url).deliver(PUSH)
    assert stub.requests == 1
    assert stub.taken() == ()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b'{"error": "duplicate_contact"}', "duplicate_contact"),
        (b'{"error": {"code": "E42", "message": "Kalle is unknown"}}', "E42"),
        (b'{"error": "Kalle is unknown"}', ""),
        (b'{"error": "Kalle"}', ""),
        (b'{"error": "unknown.Kalle.Virtanen"}', ""),
        (b'{"error": "KalleIsUnknown"}', ""),
        (b'{"error": "contact_not_found"}', "contact_not_found"),
        (b'{"error": ["x"]}', ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_of_a_crms_error_only_a_plain_code_is_kept_and_no_word_that_we_sent(said: bytes, code: str) -> None:
    assert error_code(said, PUSH.payload.encode()) == code


def test_a_certificate_counts_only_when_its_authority_was_named(tmp_path: Path) -> None:
    stub = CrmStub(CLOCK, [key_of(SECRET)], host="localhost")
    certificate = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    stub.secure(context)
    stub.start()
    try:
        url = f"https://localhost:{stub.port}/hooks"
        assert webhook(url, seconds=3).deliver(PUSH).reason == "certificate"
        assert webhook(url, seconds=3, authorities=certificate).deliver(PUSH).outcome is PushOutcome.SYNCED
    finally:
        stub.stop()


def _certificate(folder: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path

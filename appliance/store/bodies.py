"""Customers' words, sealed: AES-256-GCM under the customer's key, a random nonce in front.

What the entry in the journal holds is the SHA-256 of the sealed bytes, so a body that was exchanged is found without any
key. The role is bound into the seal: a draft cannot be passed off as a message.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.ground.errors import StoreError
from appliance.ground.ids import random_bytes
from appliance.records.base import Record
from appliance.records.message import Address, Message
from appliance.store.keyring import Keyring
from appliance.store.prints import CustomerPrints

_NONCE = 12
_ENCODER = msgspec.json.Encoder()
_CUSTOMERS_KEPT = 4_096
_Words = TypeVar("_Words", bound=Record)


class Letter(Record):
    """A mail to somebody of the company: a handover to a team, a draft to the company's own mailbox.

    ``quoted`` is the customer's message; whose it is, and when it was sent in Unix seconds.
    """

    to: Address
    subject: str
    text: str
    language: str = ""
    quoted: str = ""
    quoted_from: Address = Address()
    quoted_at: float | None = None


class Sealed(NamedTuple):
    """A body as it lies in the database; its digest stands in the entry."""

    role: str
    slot: int
    digest: bytes
    sealed: bytes


class _Customer(NamedTuple):
    cipher: AESGCM
    prints: CustomerPrints


class Bodies:
    """Seals and opens. May be asked from any thread."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._kept: OrderedDict[int, _Customer] = OrderedDict()  # a plain dict finds its oldest only by walking over what has gone
        self._lock = threading.Lock()

    def seal(self, slot: int, role: str, words: bytes) -> Sealed:
        """Seal encoded words under the key in a slot."""
        customer = self._customer(slot)
        if customer is None:
            raise StoreError("The customer's words have been erased; nothing can be added to them.", "Close the case.")
        nonce = random_bytes(_NONCE)
        sealed = nonce + customer.cipher.encrypt(nonce, words, role.encode())
        return Sealed(role, slot, hashlib.sha256(sealed).digest(), sealed)

    def open(self, slot: int, role: str, sealed: bytes) -> bytes | None:
        """The words; None when the key is destroyed."""
        customer = self._customer(slot)
        if customer is None:
            return None
        try:
            return customer.cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], role.encode())
        except InvalidTag as error:
            raise StoreError("A sealed body was exchanged or damaged.", "Run `tandem verify`: it names the entry.") from error

    def prints(self, slot: int) -> CustomerPrints | None:
        """The prints under a customer's key; None when it is destroyed."""
        customer = self._customer(slot)
        return None if customer is None else customer.prints

    def forget(self, slots: tuple[int, ...]) -> None:
        """Drop keys from memory."""
        with self._lock:
            for slot in slots:
                self._kept.pop(slot, None)

    def _customer(self, slot: int) -> _Customer | None:
        kept = self._kept.get(slot)
        if kept is not None:
            return kept
        with self._lock:  # so that a key that is being destroyed cannot come back in between
            key = self._keyring.key(slot)
            if key is None:
                return None
            if len(self._kept) >= _CUSTOMERS_KEPT:
                self._kept.popitem(last=False)
            kept = self._kept[slot] = _Customer(AESGCM(key), CustomerPrints(key))
            return kept


def encode(words: Record | str) -> bytes:
    """Words as they are sealed."""
    return _ENCODER.encode(words)


def decode(words: bytes, kind: type[_Words]) -> _Words:
    """The words of a body of this kind."""
    return msgspec.json.decode(words, type=kind)


def encode_list(values: Iterable[str | int]) -> str:
    """Plain values as a list that a statement takes as one parameter."""
    return _ENCODER.encode(list(values)).decode()


def decode_text(words: bytes) -> str:
    """The words of a body that is plain text."""
    return msgspec.json.decode(words, type=str)


def fit(message: Message, most_bytes: int) -> tuple[Message, bytes]:
    """The message and its encoding within the limit: first the HTML goes, then the quoted text, then the end of the words."""
    encoded = encode(message)
    if len(encoded) <= most_bytes:
        return message, encoded
    characters = most_bytes // 16
    smaller = msgspec.structs.replace(
        message,
        html="",
        full_text="",
        text=message.text[:characters],
        subject=message.subject[:1000],
        references=message.references[-100:],
        attachments=message.attachments[:100],
        to=message.to[:100],
        cc=message.cc[:100],
        oddities=(*message.oddities[:100], "too_large_to_keep"),
    )
    return smaller, encode(smaller)

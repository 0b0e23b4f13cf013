"""Fingerprints: keyed digests by which a thing is known again without being kept.

Which key makes which print, and why:

* A *customer* is a digest of the address under the home's print key: it must be found from the address alone.
* A *Message-ID* is printed under the home's print key too. A reply by a colleague, or a reused id, must be recognised across
  customers, before we know whose thread it is. The print outlives the words, also after an erasure: else a mailbox
  that changed its UIDVALIDITY would bring the erased mail back in. Without the key file it tells nothing.
* *Content*, *Thread-Index* and *sound* are printed under the customer's own key: they only ever compare mails of one customer, and
  they say what somebody wrote, so they become meaningless the moment that customer's key is destroyed.
"""

from hashlib import blake2b

from appliance.records.message import Message

_CUSTOMER_BYTES = 16  # two customers must never share a key
_PRINT_BYTES = 8  # a table's own row number; among a million mails two share one in one home out of forty million
_THREAD_INDEX_CHARACTERS = 29  # of base 64 that hold the first 22 bytes: a conversation's own part (MS-OXOMSG, 2.2.1.3)


_SPACES = b" \t\n\r\v\f"
_HARD_SPACE = "\N{NO-BREAK SPACE}"  # which programs exchange with a plain one


def normal_address(address: str) -> str:
    """An address as it is compared: capitals do not matter."""
    return address.strip().lower()


def print_number(digest: str) -> int:
    """A print as the table keeps it, from its hexadecimal digits in the journal; 0 for none."""
    return int.from_bytes(bytes.fromhex(digest), "big", signed=True)


class Prints:
    """Prints under the home's print key, in hexadecimal digits but for the customer's."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._customer = blake2b(key=key, digest_size=_CUSTOMER_BYTES, person=b"customer")
        self._message_id = blake2b(key=key, digest_size=_PRINT_BYTES, person=b"message-id")
        self._file_name = blake2b(key=key, digest_size=_CUSTOMER_BYTES, person=b"file-name")
        self._secret = blake2b(key=key, digest_size=32, person=b"api-key")
        self._own = blake2b(key=key, digest_size=8, person=b"own-mail")

    def customer(self, address: str) -> bytes:
        """Whose address this is. Messages without a sender share one customer, "nobody"."""
        digest = self._customer.copy()
        digest.update(normal_address(address).encode("utf-8", "surrogatepass"))
        return digest.digest()

    def file_name(self, name: str) -> str:
        """Of a file that a message came in as: people write names and subjects into file names."""
        digest = self._file_name.copy()
        digest.update(name.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def message_id(self, message_id: str) -> str:
        digest = self._message_id.copy()
        digest.update(message_id.strip().encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def secret(self, secret: str) -> str:
        """The digest of an API key, which is all that is kept of it."""
        digest = self._secret.copy()
        digest.update(secret.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def delivery_key(self, case: str, message_id: str) -> str:
        """What stands in X-Tandem-Key: names the case, and cannot be made without the key."""
        return f"{case}.{self._mark(message_id)}.{message_id.strip('<>')}"

    def case_of_key(self, tandem_key: str) -> str:
        """The case that an X-Tandem-Key names, when we made it; else ""."""
        case, _, rest = tandem_key.strip().partition(".")
        mark, _, message_id = rest.partition(".")
        return case if mark and mark == self._mark(f"<{message_id}>") and f".{case}." in message_id else ""

    def _mark(self, message_id: str) -> str:
        digest = self._own.copy()
        digest.update(message_id.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def words_digest(message: Message) -> bytes:
    """Sender, subject and words, however they are spaced. Never kept: it goes through the customer's key first.

    Spaces are struck out of the bytes: to part the words and join them again would cost as much as all else in making a mail ready.
    """
    words = f"{normal_address(message.sender.address)}\0{message.subject}\0{message.full_text or message.text}"
    encoded = words.replace(_HARD_SPACE, "").encode("utf-8", "surrogatepass")
    return blake2b(encoded.translate(None, _SPACES), digest_size=32).digest()


class CustomerPrints:
    """Prints under one customer's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key  # and nothing worked out ahead: most customers are met for one message at a time

    def content(self, words: bytes) -> str:
        """Of the digest that ``words_digest`` makes."""
        return blake2b(words, key=self._key, digest_size=_PRINT_BYTES, person=b"content").hexdigest()

    def sound(self, digest: bytes) -> str:
        """Of the SHA-1 of a clip's bytes."""
        return blake2b(digest, key=self._key, digest_size=_PRINT_BYTES, person=b"sound").hexdigest()

    def thread_index(self, value: str) -> str:
        own = "".join(value.split())[:_THREAD_INDEX_CHARACTERS].encode("ascii", "replace")
        return blake2b(own, key=self._key, digest_size=_PRINT_BYTES, person=b"thread-index").hexdigest()

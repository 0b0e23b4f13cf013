"""The keys, in a 0600 file beside the database and never in it, so that destroying a key destroys what it sealed.

It holds the chain key, the print key, the node's signing key, and *slots*: random keys, made ahead of use. A new customer takes the
next slot by its number, which stands in the journal, so taking one costs no flush of this file. More slots are made
while some are left. Erasing a customer writes the file anew without that key, and then wipes it in the old file, whose
blocks the disk may keep for a while. On a drive that moves blocks behind our back (any SSD) the wipe is best effort: full-disk
encryption is what makes it certain, and the help says so.

Layout: a line of JSON, the slots of 32 bytes each (zeros: destroyed), the SHA-256 of all before it.
"""

import hashlib
import os
import threading
from pathlib import Path

import msgspec

from appliance.ground.files import flush_to_disk, write_atomically
from appliance.ground.ids import random_bytes
from appliance.store.errors import KeyringError

_KEY = 32
_SUM = 32
_DESTROYED = bytes(_KEY)
_FORMAT = 1
_RESTORE = "Put the keyring of this database back from a backup; without it the customers' words cannot be read."
_RESEED = "Let this node be seeded anew from the one that leads."


class _Header(msgspec.Struct, frozen=True):
    """The first line of the file; keys in hexadecimal."""

    format: int
    chain: str
    prints: str
    signing: str
    slots: int


class Keyring:
    """The keys of one home. May be asked from any thread."""

    def __init__(self, path: Path, header: _Header, slots: bytearray) -> None:
        self.path = path
        self._header = header
        self._slots = slots
        self._lock = threading.Lock()
        self.chain_key = bytes.fromhex(header.chain)
        self.print_key = bytes.fromhex(header.prints)
        self.signing_key = bytes.fromhex(header.signing)

    @classmethod
    def open(cls, path: Path, *, may_create: bool, reserve: int) -> "Keyring":
        """Read the keyring; make one only when ``may_create`` says that there is no database it could belong to."""
        if not path.exists():
            if not may_create:
                raise KeyringError(f"The keyring {path} is missing, and there is a database that was sealed with it.", _RESTORE)
            return cls._create(path, reserve)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise KeyringError(f"The keyring {path} cannot be read: {error.strerror}.", "Check its owner and rights (0600).") from error
        return cls(path, *_parse(path, content))

    @classmethod
    def _create(cls, path: Path, reserve: int) -> "Keyring":
        secrets = [random_bytes(_KEY).hex() for _ in range(3)]
        header = _Header(format=_FORMAT, chain=secrets[0], prints=secrets[1], signing=secrets[2], slots=reserve)
        keyring = cls(path, header, bytearray(random_bytes(reserve * _KEY)))
        keyring._replace(keyring._slots)
        return keyring

    @property
    def slots(self) -> int:
        """How many slots are on disk."""
        return len(self._slots) // _KEY

    def key(self, slot: int) -> bytes | None:
        """The key in a slot; None when it was destroyed."""
        start = slot * _KEY
        key = bytes(self._slots[start : start + _KEY])
        if len(key) < _KEY:
            raise KeyringError(f"The keyring {self.path} has no slot {slot}: it is older than the database.", _RESTORE)
        return None if key == _DESTROYED else key

    def ensure(self, slot: int, reserve: int) -> None:
        """Have the slot on disk before anybody seals with it; further slots are made in growing lots."""
        if slot < self.slots:
            return
        with self._lock:
            missing = slot + 1 - self.slots
            if missing > 0:
                self._replace(self._slots + random_bytes(_KEY * max(missing, reserve, self.slots // 8)))

    def after(self, count: int) -> bytes:
        """The keys of the slots from this number on."""
        return bytes(self._slots[count * _KEY :])

    def take(self, start: int, keys: bytes, used: int) -> None:
        """Put the other node's keys into the slots from ``start`` on, on disk when this returns. May be repeated.

        Slots below ``used`` stand in our journal: ours must be the same already, and one that is destroyed here stays destroyed.
        """
        with self._lock:
            self._compare(start, keys, used)
            first = max(start, min(used, self.slots))
            fresh = keys[(first - start) * _KEY :]
            taken = self._slots[: first * _KEY] + fresh + self._slots[first * _KEY + len(fresh) :]
            if taken != self._slots:
                self._replace(taken)

    def _compare(self, start: int, keys: bytes, used: int) -> None:
        if start > self.slots or len(keys) % _KEY:
            raise KeyringError(f"Keys of the slots from {start} on do not fit the keyring {self.path}: it has {self.slots}.", _RESEED)
        for slot in range(start, min(used, self.slots, start + len(keys) // _KEY)):
            ours, theirs = self._slots[slot * _KEY : (slot + 1) * _KEY], keys[(slot - start) * _KEY : (slot - start + 1) * _KEY]
            if ours != theirs and _DESTROYED not in (ours, theirs):
                raise KeyringError(f"The key in slot {slot} of the keyring {self.path} is not the other node's.", _RESEED)

    def shared(self) -> bytes:
        """What the other node needs: everything but the signing key, in the layout of the file."""
        return _packed(msgspec.structs.replace(self._header, signing=""), self._slots)

    @classmethod
    def install(cls, path: Path, shared: bytes) -> "Keyring":
        """Put what another node ``shared`` in place of the keyring; this node's own signing key stays, or is made."""
        header, slots = _parse(path, shared)
        if not path.exists():
            return cls._installed(path, header, random_bytes(_KEY).hex(), slots)
        with path.open("r+b") as before:
            content = before.read()
            keyring = cls._installed(path, header, _parse(path, content)[0].signing, slots)
            os.pwrite(before.fileno(), bytes(len(content)), 0)  # one of its keys may be of a customer who was erased meanwhile
            flush_to_disk(before.fileno())
        return keyring

    @classmethod
    def _installed(cls, path: Path, header: _Header, own: str, slots: bytearray) -> "Keyring":
        keyring = cls(path, msgspec.structs.replace(header, signing=own), slots)
        keyring._replace(slots)
        return keyring

    @staticmethod
    def chain_of(path: Path, shared: bytes) -> bytes:
        """The chain key among shared keys that are meant for this path."""
        return bytes.fromhex(_parse(path, shared)[0].chain)

    def destroy(self, slots: tuple[int, ...]) -> int:
        """Destroy the keys in these slots, on disk when this returns; how many were still there. May be repeated."""
        with self._lock:
            there = [slot for slot in slots if slot < self.slots and self.key(slot) is not None]
            if not there:
                return 0
            before = os.open(self.path, os.O_RDWR)
            try:
                kept = bytearray(self._slots)
                for slot in there:
                    kept[slot * _KEY : (slot + 1) * _KEY] = _DESTROYED
                self._replace(kept)
                self._wipe(before, there)
            finally:
                os.close(before)
            return len(there)

    def destroyed(self) -> list[int]:
        """The slots whose keys are gone."""
        slots = bytes(self._slots)
        if _DESTROYED not in slots:
            return []
        return [slot for slot in range(len(slots) // _KEY) if slots[slot * _KEY : (slot + 1) * _KEY] == _DESTROYED]

    def _wipe(self, descriptor: int, slots: list[int]) -> None:
        """Overwrite the keys in the file that has just been replaced, where its blocks may live on."""
        start = os.pread(descriptor, 4096, 0).index(b"\n") + 1
        for slot in slots:
            os.pwrite(descriptor, _DESTROYED, start + slot * _KEY)
        flush_to_disk(descriptor)

    def _replace(self, slots: bytearray) -> None:
        """Write the file anew; only once it is on disk do the slots count."""
        header = msgspec.structs.replace(self._header, slots=len(slots) // _KEY)
        try:
            write_atomically(self.path, _packed(header, slots))
        except OSError as error:
            reason = f"The keyring {self.path} cannot be written: {error.strerror}."
            raise KeyringError(reason, "Check the disk's room and the folder's rights.") from error
        self._header, self._slots = header, slots


def _packed(header: _Header, slots: bytearray) -> bytes:
    content = msgspec.json.encode(header) + b"\n" + bytes(slots)
    return content + hashlib.sha256(content).digest()


def _parse(path: Path, content: bytes) -> tuple[_Header, bytearray]:
    damaged = KeyringError(f"The keyring {path} is damaged.", _RESTORE)
    body, checksum = content[:-_SUM], content[-_SUM:]
    if hashlib.sha256(body).digest() != checksum:
        raise damaged
    line, _, slots = body.partition(b"\n")
    try:
        header = msgspec.json.decode(line, type=_Header)
    except msgspec.DecodeError as error:
        raise damaged from error
    if header.format > _FORMAT:
        raise KeyringError(f"The keyring {path} was written by a newer program.", "Start it with that release.")
    if len(slots) != header.slots * _KEY:
        raise damaged
    return header, bytearray(slots)

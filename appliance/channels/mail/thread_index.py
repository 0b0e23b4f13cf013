"""Outlook's Thread-Index: by it Outlook keeps a conversation together where References got lost on the way.

A header of 22 bytes (1 reserved, 5 of time, 16 of a GUID), and 5 bytes for each answer: one bit for the unit, 31 bits of time
passed since the header's time, one byte to tell answers of the same moment apart ([MS-OXOMSG], 2.2.1.3).
"""

import base64
import binascii
import hashlib

_HEADER = 22
_BLOCK = 5
_ANSWERS_MAX = 40
_FILETIME_EPOCH_SECONDS = 11_644_473_600  # 1601-01-01 to 1970-01-01
_TICKS = 10_000_000  # 100 ns


def extended(parent: str, at: float, key: str) -> str:
    """The index of an answer to the mail with this index; "" when that one is no index. The same input gives the same index."""
    try:
        index = base64.b64decode("".join(parent.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if len(index) < _HEADER or (len(index) - _HEADER) % _BLOCK or len(index) > _HEADER + _BLOCK * _ANSWERS_MAX:
        return ""
    block = _passed(index, at).to_bytes(4, "big") + hashlib.sha256(key.encode("utf-8", "replace")).digest()[:1]
    return base64.b64encode(index + block).decode("ascii")


def _passed(index: bytes, at: float) -> int:
    """Time since the conversation began: in units of 2^18 ticks for the first 1.7 years, after that of 2^23."""
    began = int.from_bytes(index[:6], "big") << 16
    now = int((at + _FILETIME_EPOCH_SECONDS) * _TICKS)
    ticks = max(now - began, 0)
    if ticks < 1 << 49:
        return ticks >> 18 & 0x7FFFFFFF
    return ticks >> 23 & 0x7FFFFFFF | 0x80000000

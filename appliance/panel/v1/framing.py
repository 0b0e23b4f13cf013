"""The body of an answer without its framing (RFC 9112, 6 and 7.1), as fast as plain Python can: a token is a chunk of its own.

What this is not: a parser of whatever the world may send. It reads what an engine's own server writes, and takes anything odd for the end
of the answer.
"""

from collections.abc import Iterable

CHUNK_BYTES_MOST = 16 * 1024 * 1024
SIZE_LINE_BYTES_MOST = 1024
_TO_THE_END = -1


class OddFraming(Exception):
    """What came is no body of the kind that its head announced."""


class Body:
    """Bytes in, content out. ``whole`` once the end has been seen; ``may_just_end`` when the end of the line is the end of the body."""

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        told = {name.lower(): value for name, value in headers}
        self._chunked = told.get(b"transfer-encoding", b"").lower() == b"chunked"
        self._left = 0 if self._chunked else int(told.get(b"content-length", _TO_THE_END))
        self._rest = b""
        self.whole = self._left == 0 and not self._chunked
        self.may_just_end = self._left == _TO_THE_END

    def content(self, data: bytes) -> bytes:
        """The content in what has arrived. Raises ``OddFraming``."""
        if self._chunked:
            return self._unchunked(self._rest + data if self._rest else data)
        if self._left != _TO_THE_END:
            data = data[: self._left]
            self._left -= len(data)
            self.whole = self._left == 0
        return data

    def _unchunked(self, data: bytes) -> bytes:
        """Chunks: a size in hexadecimal, a line's end, so many bytes, a line's end; the last one is empty."""
        found: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.whole:
            if self._left:
                part = data[at : at + self._left]
                found.append(part)
                at += len(part)
                self._left -= len(part)
                continue
            line = data.find(b"\r\n", at)
            if line < 0:
                break
            if line > at:  # else it is the line's end behind a chunk
                self._begin_chunk(data[at:line])
            at = line + 2
        self._rest = b"" if self.whole else data[at:]
        if len(self._rest) > SIZE_LINE_BYTES_MOST:
            raise OddFraming
        return b"".join(found)

    def _begin_chunk(self, line: bytes) -> None:
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise OddFraming from error
        if not 0 <= size <= CHUNK_BYTES_MOST:
            raise OddFraming
        self._left, self.whole = size, size == 0

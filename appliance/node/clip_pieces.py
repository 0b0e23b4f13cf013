"""Large clips on their way to the node that leads: a frame of the pair's line holds less than a clip may have."""

import threading

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused

PIECE_BYTES = 8_000_000
UPLOADS_MOST = 4
KEPT_SECONDS = 120.0


class Pieces:
    """Clips that are being handed over, in memory only. One whose rest does not come is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, tuple[float, bytearray]] = {}
        self._lock = threading.Lock()

    def add(self, upload: str, start: int, data: bytes, most_bytes: int) -> None:
        """The bytes from ``start`` on. The same piece once more changes nothing."""
        now = self._clock.elapsed()
        with self._lock:
            self._held = {name: held for name, held in self._held.items() if now - held[0] < KEPT_SECONDS}
            if upload not in self._held and len(self._held) >= UPLOADS_MOST:
                raise Refused("Too many clips are being handed over at a time.", "Try again in a minute.")
            _, held = self._held.get(upload, (now, bytearray()))
            if start > len(held) or start + len(data) > most_bytes:
                raise Refused("A piece of the clip is missing.", "Send the clip once more.")
            held[start : start + len(data)] = data
            self._held[upload] = (now, held)

    def take(self, upload: str, size: int) -> bytes:
        """The whole clip, which is let go of."""
        with self._lock:
            _, held = self._held.pop(upload, (0.0, bytearray()))
        if len(held) != size:
            raise Refused("A piece of the clip is missing.", "Send the clip once more.")
        return bytes(held)

"""A virtual display: Xvfb, which keeps its screen in a file that can be read as a photograph."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

XVFB = shutil.which("Xvfb") or ""
WIDTH, HEIGHT = 1440, 900

needs_display = pytest.mark.skipif(not XVFB, reason="Xvfb is not installed (Debian: apt-get install xvfb)")


@dataclass(frozen=True)
class Photograph:
    """The screen, as rows of pixels in the order blue, green, red, nothing."""

    width: int
    height: int
    pixels: bytes

    def colours(self) -> dict[bytes, int]:
        """How often each colour stands on it."""
        counted: dict[bytes, int] = {}
        for start in range(0, len(self.pixels), 4):
            colour = self.pixels[start : start + 3]
            counted[colour] = counted.get(colour, 0) + 1
        return counted


@dataclass(frozen=True)
class Display:
    name: str
    folder: Path

    def environment(self) -> dict[str, str]:
        """What a program needs that opens its window there. Chromium's sandbox does not work for root, who runs these tests in CI."""
        flags = "--no-sandbox" if os.geteuid() == 0 else ""
        return {"DISPLAY": self.name, "QT_QPA_PLATFORM": "xcb", "QTWEBENGINE_CHROMIUM_FLAGS": flags, "LIBGL_ALWAYS_SOFTWARE": "1"}

    def photograph(self) -> Photograph:
        """The file is an X window dump (XWDFile.h): a header of 32-bit numbers, the colour map, the pixels."""
        dump = (self.folder / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", dump[:100])
        size, width, height, bits, row, colours = header[0], header[4], header[5], header[11], header[12], header[19]
        assert bits == 32
        start = size + colours * 12
        return Photograph(width, height, b"".join(dump[start + y * row : start + y * row + width * 4] for y in range(height)))


@contextmanager
def display(folder: Path) -> Iterator[Display]:
    """A display of its own; it takes a number that nobody has."""
    reading, writing = os.pipe()
    command = [XVFB, "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", str(folder), "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        yield Display(f":{number}", folder)
    finally:
        server.terminate()
        server.wait(10)

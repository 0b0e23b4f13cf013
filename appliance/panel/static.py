"""The program's own looks: stylesheet, script and icon, read once, named with their digest so that browsers may keep them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class StaticFile:
    content: bytes
    media_type: str
    digest: str


class Static:
    """The files of ``web/static``. Only what was there at the start is served, so no path of a request reaches the disk."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.name: StaticFile(content, _MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12])
            for path in sorted(folder.iterdir())
            if path.suffix in _MEDIA_TYPES
            for content in [path.read_bytes()]
        }

    def file(self, name: str) -> StaticFile | None:
        return self._files.get(name)

    def address(self, name: str) -> str:
        """Where the page finds the file; another address whenever its content changes."""
        return f"/static/{name}?v={self._files[name].digest}"

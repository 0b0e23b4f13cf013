"""A small model of no meaning, its card, and a shelf to put it on."""

import hashlib
from pathlib import Path
from typing import Any

from appliance.care.models.licence import Licences
from appliance.care.models.pull import Wish
from appliance.engines.cards import Card
from appliance.engines.shelf import Shelf
from tests.support.clock import FakeClock

FILES: dict[str, bytes] = {
    "config.json": b'{"model_type": "nothing"}',
    "tokenizer.json": b'{"model": {}}',
    "model.safetensors": bytes(range(256)) * 800,
    "extra/notes.txt": b"",
}
CARD = """
name = "small"
task = "writer"
kind = "mlx"
title = "A small one"
licence = "MIT"
licence_url = "https://hub.example/licence"
memory_megabytes = 40
disk_megabytes = 1
repository = "maker/model"
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files_with_digests(files: dict[str, bytes] = FILES) -> str:
    """The card's tables of files."""
    return "".join(f'[[files]]\nname = "{name}"\nbytes = {len(data)}\nsha256 = "{sha256(data)}"\n' for name, data in files.items())


def home_with_card(home: Path, text: str = CARD, name: str = "small") -> Shelf:
    """A home whose person has added a card."""
    folder = home / "models" / "cards"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return Shelf(home / "models")


def wish(home: Path, text: str = CARD, clock: Any = None, accepted: bool = True) -> Wish:
    """The wish for that model, its licence accepted by Aino."""
    shelf, clock = home_with_card(home, text), clock or FakeClock()
    card: Card = shelf.cards()["small"]
    licences = Licences(home)
    if accepted:
        licences.accept(card, "aino", clock)
    return Wish(card, shelf, licences, "aino", clock)


def lay_down(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    """The files in a folder, as on a memory stick."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def lying(folder: Path) -> dict[str, bytes]:
    """What a model's folder holds, ours left out."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

"""What stands between the files that were brought and a model that can be used: nothing, or a conversion in a process of its own."""

import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from appliance.care.models.errors import ModelUnusable
from appliance.care.models.gathering import Gathering, file_of, files_below
from appliance.engines.cards import Card
from appliance.engines.shelf import Installed

CONVERTER = "appliance.engines.embedder.convert"
CONVERT_SECONDS = 900.0
CANNOT_RUN = 3  # what the converter ends with when the packages for it are not installed

# What a model of a kind cannot be without: of each line, one.
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "mlx": (("config.json",), (".safetensors", ".npz"), ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")),
    "ctranslate2": (("model.bin",),),
}
_NEEDED_TO_CONVERT = (("config.json",), ("model.safetensors",), ("tokenizer.json",))


def bytes_made(card: Card) -> int:
    """How much room the conversion needs beside what is brought."""
    return card.disk_megabytes * 1_000_000 if card.prepare else 0


def onto_shelf(card: Card, place: Gathering, installed: Installed) -> Installed:
    """Prepare what was gathered if that is needed, and put it on the shelf. Raises ``ModelUnusable``."""
    folder = place.folder
    if card.prepare and not (folder / "model.bin").exists():
        complete(card, folder, _NEEDED_TO_CONVERT)
        _convert(card, folder, place.made)
        made = tuple(file_of(place.made / name, name) for name in files_below(place.made))
        folder, installed = place.made, replace(installed, files=made, made_from=installed.files)
    complete(card, folder, _NEEDED.get(card.kind, ()))
    place.finish(installed, folder)
    return installed


def complete(card: Card, folder: Path, needed: tuple[tuple[str, ...], ...]) -> None:
    """Raises ``ModelUnusable`` when a file is missing without which it is no such model."""
    names = files_below(folder)
    for one in needed:
        if not any(name == end or (end.startswith(".") and name.endswith(end)) for name in names for end in one):
            raise ModelUnusable(
                f"This is no whole model {card.name}: there is no {' nor '.join(one)} in it.",
                "Bring the folder as it was published, whole.",
            )


def _convert(card: Card, source: Path, target: Path) -> None:
    """In a process of its own: it takes several hundred megabytes for a moment, and reads files that nobody here has written."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", CONVERTER, str(source), str(target)],
            capture_output=True,
            text=True,
            timeout=CONVERT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelUnusable(
            f"{card.name} could not be converted within {CONVERT_SECONDS:.0f} s.", "Try on a machine that does less."
        ) from error
    if done.returncode == 0:
        return
    said = (done.stderr.strip().splitlines() or ["no reason was given"])[-1][:300]
    if done.returncode == CANNOT_RUN:
        raise ModelUnusable(f"{card.name} cannot be converted here: {said}", 'Install it first: pip install "tandem-appliance[embed]"')
    raise ModelUnusable(f"{card.name} could not be converted: {said}", "Bring the model as it was published.")

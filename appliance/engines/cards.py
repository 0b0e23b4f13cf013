"""What is known about each model before it is there: one card a model, ``models/cards/<name>.toml``, and cards that a person adds.

A card says what the model is for, where it comes from, under which licence, what it needs of a machine, and, where that is known, the
digest of every file. A card never holds a model. A person's own cards lie in ``home/models/cards`` and win over ours of the same name.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from appliance.engines.errors import CardInvalid
from appliance.ground.assets import asset
from appliance.records.base import Record

Task = Literal["writer", "judge", "ear", "embedder"]
Kind = Literal["built-in", "mlx", "ctranslate2"]

CARD_BYTES_MOST = 256_000
CARDS_MOST = 1_000

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}\Z")]
FileName = Annotated[str, Meta(pattern=r"^(?!.*(?:^|/)\.)[A-Za-z0-9._+@=-]+(?:/[A-Za-z0-9._+@=-]+){0,4}\Z", max_length=200)]
Digest = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]
_NO_NAMES = ("cards",)  # of the folder of models itself, and what stands beside a model that is on its way
_NO_ENDINGS = (".made", ".old", ".lock")
_AT = re.compile(r" - at `\$\.?(?P<key>[^`]*)`$")


class CardFile(Record):
    """One file of a model. ``bytes`` 0 and ``sha256`` "" mean: not known before the first pull."""

    name: FileName
    bytes: Annotated[int, Meta(ge=0)] = 0
    sha256: Digest = ""


class Sampling(Record):
    """How a writer draws its words, as whoever made the model advises; 0 of ``top_k`` and ``min_p`` means: not used."""

    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.0
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Meta(ge=0, le=1000)] = 0
    min_p: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    repetition_penalty: Annotated[float, Meta(gt=0, le=2)] = 1.0


class Card(Record):
    """One model.

    ``repository`` and ``revision`` are where the hub has it ("": it is not pulled from there); ``package`` the file name that a
    package with it begins with. ``needs`` is the optional part of this program that runs it. ``memory_megabytes`` is what it takes
    while it runs, and ``memory_measured`` whether that was measured or is an estimate. ``prepare`` names the step between what is
    pulled and what is run ("": none). ``only`` are patterns of the hub's file names that are wanted, where ``files`` names none.
    ``prefix`` stands before each text that an embedder is given. ``note`` is whatever a person should know before choosing it.
    """

    name: Name
    task: Task
    kind: Kind
    card_version: Literal[1] = 1
    title: str = ""
    about: str = ""
    languages: tuple[str, ...] = ()
    licence: str = ""
    licence_url: str = ""
    licence_text: str = ""
    needs: Literal["", "llm", "voice", "embed"] = ""
    memory_megabytes: Annotated[int, Meta(ge=0)] = 0
    memory_measured: bool = False
    disk_megabytes: Annotated[int, Meta(ge=0)] = 0
    repository: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)?$")] = ""
    revision: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._/-]{0,100}$")] = ""
    gated: bool = False
    package: Annotated[str, Meta(pattern=r"^[a-z0-9_]*$")] = ""
    prepare: Literal["", "sentence-encoder"] = ""
    files: tuple[CardFile, ...] = ()
    only: tuple[str, ...] = ()
    sha256: Digest = ""
    note: str = ""
    context_tokens: Annotated[int, Meta(ge=0)] = 0
    dimensions: Annotated[int, Meta(ge=0)] = 0
    prefix: str = ""
    sampling: Sampling = Sampling()

    @property
    def built_in(self) -> bool:
        """Whether it is part of this program and has no files."""
        return self.kind == "built-in"


def cards(*own: Path) -> dict[str, Card]:
    """Every card by its name: ours, then those of these folders, the later winning. A folder that is missing holds none.

    Raises :class:`CardInvalid` for the first card that cannot be used, with file and key.
    """
    found: dict[str, Card] = {}
    for folder in (asset("models") / "cards", *own):
        for path in sorted(folder.glob("*.toml"))[:CARDS_MOST]:
            one = read_card(path)
            found[one.name] = one
    return found


def card(name: str, *own: Path) -> Card | None:
    """The card of that name, or of that repository of the hub; None when there is none."""
    known = cards(*own)
    return known.get(name) or next((one for one in known.values() if one.repository and one.repository == name), None)


def read_card(path: Path) -> Card:
    """One card, checked. Raises :class:`CardInvalid` with the file and the key."""
    try:
        with path.open("rb") as file:
            text = file.read(CARD_BYTES_MOST + 1)
        if len(text) > CARD_BYTES_MOST:
            raise _invalid(path, "", "it is too large for a card")
        said = tomllib.loads(text.decode("utf-8"))
    except OSError as error:
        raise _invalid(path, "", f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise _invalid(path, "", "it is no UTF-8 text") from error
    except (ValueError, RecursionError) as error:  # no TOML, a number without end, or nested without end
        raise _invalid(path, "", f"it is no TOML ({str(error)[:200]})") from error
    return _checked(path, said)


def _checked(path: Path, said: Mapping[str, Any]) -> Card:
    for key in _unknown(said):
        raise _invalid(path, key, "there is no such key")
    try:
        one = msgspec.convert(said, Card)
    except msgspec.ValidationError as error:
        at = _AT.search(str(error))
        raise _invalid(path, at["key"] if at else "", _AT.sub("", str(error)).lower()) from error
    if one.name != path.stem:
        raise _invalid(path, "name", f"it must be the file's own name, {path.stem}")
    if one.name in _NO_NAMES or one.name.endswith(_NO_ENDINGS):
        raise _invalid(path, "name", "the folder of models uses this name for something else")
    if not one.built_in and not one.licence:
        raise _invalid(path, "licence", "a model without a stated licence cannot be offered")
    return one


def _unknown(said: Mapping[str, Any]) -> list[str]:
    """The keys of a card, and of the tables in it, that mean nothing: a slip of the pen must not pass for a digest."""
    files = said.get("files", [])
    inner: list[tuple[str, Any, type[msgspec.Struct]]] = [("", said, Card), ("sampling.", said.get("sampling", {}), Sampling)]
    inner += [(f"files[{place}].", file, CardFile) for place, file in enumerate(files if isinstance(files, list) else [])]
    return [
        f"{prefix}{key}" for prefix, table, of in inner if isinstance(table, Mapping) for key in table if key not in of.__struct_fields__
    ]


def _invalid(path: Path, key: str, reason: str) -> CardInvalid:
    where = f"{path}, key {key}" if key else str(path)
    return CardInvalid(f"The model card {where} cannot be used: {reason}.", "Correct the card; models/cards/README.md has every key.")

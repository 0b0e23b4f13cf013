"""Where this appliance's models lie, and which settings work with which of them."""

from pathlib import Path

from appliance.care.models.licence import Licences
from appliance.care.preflight import Worth
from appliance.engines.cards import Card
from appliance.engines.ear.options import DEFAULT_MODEL
from appliance.engines.errors import ModelMissing
from appliance.engines.memory import fits
from appliance.engines.shelf import Shelf
from appliance.engines.writer.raw import default_model
from appliance.settings.model import Settings

LOCAL_WRITERS = {"mlx", "quoting"}


def shelf_of(settings: Settings) -> Shelf:
    """The shelf of ``[models] path``; a model whose licence nobody has accepted is not given out."""
    own_cards = settings.home / "models" / "cards"
    return Shelf(folder_of(settings), own_cards, objects=Licences(settings.home).objection)


def folder_of(settings: Settings) -> Path:
    """The folder of the models."""
    return settings.home / settings.models.path


def named(settings: Settings) -> dict[str, str]:
    """Which model each setting works with: names, and paths of folders. "" where the setting leaves the choice to the engine."""
    writer, voice, shadow = settings.writer, settings.voice, settings.shadow
    hears = voice.enabled and not voice.mock
    found = {
        "writer.model": writer.model if {writer.kind, *writer.fallback} & LOCAL_WRITERS else None,
        "shadow.model": shadow.model or writer.model if shadow.kind in LOCAL_WRITERS else None,
        "voice.model": (voice.model or DEFAULT_MODEL) if hears else None,
        "voice.streaming_model": voice.streaming_model if hears and voice.streaming_model else None,
        "embedder.kind": settings.embedder.kind if settings.embedder.kind not in ("none", "stub") else None,
    }
    return {key: name for key, name in found.items() if name is not None}


def users(settings: Settings, card: Card, shelf: Shelf) -> tuple[str, ...]:
    """The settings that work with this model; none when it may go."""
    names = (card.name, card.repository, str(shelf.place(card.name)))
    chosen = card.task == "writer" and card.name == _chosen(shelf)
    return tuple(key for key, name in named(settings).items() if (name in names if name else chosen))


def _chosen(shelf: Shelf) -> str:
    """The writer's model that is taken where none is named; "" while none is here."""
    try:
        return default_model(shelf)
    except ModelMissing:
        return ""


def look(settings: Settings) -> str:
    """Whether every model that a setting names is here and fits into memory, in words. Raises ``ModelMissing``, or ``Worth``."""
    shelf, told = shelf_of(settings), []
    for key, name in named(settings).items():
        name = name or default_model(shelf)
        shelf.path_of(name)
        card = shelf.card(name)
        reason = fits(card.memory_megabytes) if card is not None else ""
        if reason:
            raise Worth(
                f"{key}: {name} would not be loaded now. {reason}", "Close other programs, or name a smaller model: tandem models list"
            )
        told.append(f"{name} ({key})")
    return ", ".join(told)

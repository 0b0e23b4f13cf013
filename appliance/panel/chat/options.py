"""What the chat is told once, from the settings."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from appliance import __version__
from appliance.ground.clock import Clock, SystemClock
from appliance.records.language import LANGUAGES, Code
from appliance.settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class ChatOptions:
    """Whose chat it is, who may show it, and how much one network address may ask of it."""

    company: str = ""
    languages: tuple[Code, ...] = LANGUAGES
    time_zone: str = "Europe/Helsinki"
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    sessions_per_hour: int = 20
    message_characters: int = 2_000
    version: str = __version__
    clock: Clock = field(default_factory=SystemClock)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def chat_options_of(settings: Settings) -> ChatOptions:
    """What the chat is told, from ``tandem.toml``."""
    return ChatOptions(
        company=settings.company.name,
        languages=settings.company.languages,
        time_zone=settings.panel.time_zone,
        origins=settings.chat.origins,
        proxies=settings.chat.proxies,
        sessions_per_hour=settings.chat.sessions_per_hour,
        message_characters=settings.chat.message_characters,
    )

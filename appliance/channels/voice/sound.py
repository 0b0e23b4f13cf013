"""Whether bytes are sound, by how they begin: names and media types lie. Pure; whether the sound is any good only the ear finds out."""

from collections.abc import Mapping, Sequence

from appliance.records.message import Attachment

SUFFIXES = frozenset({".wav", ".mp3", ".m4a", ".ogg", ".oga", ".opus", ".webm", ".flac", ".aac", ".amr", ".aiff", ".caf", ".wma", ".3gp"})
_SNIFFED_BYTES = 4096

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"caff", "audio/x-caf"),
)
_WEBM = b"\x1a\x45\xdf\xa3"  # EBML; also the head of a film, which is told apart by its video codecs
_FILM = (b"V_VP8", b"V_VP9", b"V_AV1", b"V_MPEG")
_SOUND_BRANDS = (b"M4A ", b"M4B ")
_OGG_FILM = b"\x80theora"


def media_type(data: bytes) -> str:
    """The media type of sound that begins like this; "" for what does not begin as sound does."""
    head = data[:_SNIFFED_BYTES]
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"FORM" and head[8:11] == b"AIF":
        return "audio/aiff"
    if head[:4] == b"OggS":
        return "" if _OGG_FILM in head else "audio/ogg"
    if head[4:8] == b"ftyp" and head[8:12] in _SOUND_BRANDS:
        return "audio/mp4"
    if head[:4] == _WEBM:
        return "" if any(codec in head for codec in _FILM) else "audio/webm"
    return "audio/mpeg" if _is_frame(head) else ""


def _is_frame(head: bytes) -> bool:
    """An MPEG or ADTS frame without a tag before it: eleven set bits, then a version, a layer and a rate that there are."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    if head[1] & 0xF6 == 0xF0:  # ADTS: the layer is 0
        return head[2] >> 2 & 0x0F <= 12
    return head[1] & 0x18 != 0x08 and head[1] & 0x06 != 0 and head[2] & 0xF0 not in (0x00, 0xF0) and head[2] & 0x0C != 0x0C


def places(attachments: Sequence[Attachment], files: Mapping[int, bytes]) -> tuple[int, ...]:
    """Which attachments are to be heard: kept ones that are sound, or are called so. What is called so and is not, a person gets to see."""
    return tuple(
        place
        for place, attachment in enumerate(attachments)
        if place in files and (attachment.media_type.lower().startswith("audio/") or media_type(files[place]))
    )

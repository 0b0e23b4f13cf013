"""What begins as sound does, whatever it is called, and what does not."""

import pytest

from appliance.channels.voice.sound import media_type, places
from appliance.records.message import Attachment
from tests.support.told_ear import tone


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (tone(), "audio/wav"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\x02" + b"\0" * 22 + b"\x01vorbis", "audio/ogg"),
        (b"OggS\0\x02" + b"\0" * 22 + b"\x80theora", ""),
        (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64\0\0", "audio/mpeg"),
        (b"\xff\xf1\x50\x80\0\0", "audio/mpeg"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", ""),
        (b"\x1a\x45\xdf\xa3\x9fwebm A_OPUS", "audio/webm"),
        (b"\x1a\x45\xdf\xa3\x9fwebm V_VP9 A_OPUS", ""),
        (b"FORM\0\0\0\0AIFF", "audio/aiff"),
        (b"#!AMR\n", "audio/amr"),
        (b"\xff\xff\xff\xff\xff\xff", ""),
        (b"\xff\xfe\x00h\x00i", ""),
        (b"%PDF-1.7", ""),
        (b"", ""),
        (b"RIFF", ""),
    ],
)
def test_sound_is_known_by_how_it_begins(data: bytes, kind: str) -> None:
    assert media_type(data) == kind


def test_attachments_that_are_sound_or_are_called_so_are_to_be_heard_when_they_were_kept() -> None:
    named = ("application/octet-stream", "audio/mpeg", "text/plain", "audio/wav")
    attachments = tuple(Attachment(name=f"{place}", media_type=kind, size_bytes=9, kept=place != 3) for place, kind in enumerate(named))
    assert places(attachments, {0: tone(), 1: b"a letter", 2: b"another"}) == (0, 1)

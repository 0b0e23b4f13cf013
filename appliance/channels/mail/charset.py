"""Bytes into letters, whatever the mail says they are."""

import codecs
import re
from functools import lru_cache
from typing import NamedTuple

# What mail calls its charsets, where Python calls them otherwise or where the name promises less than mail programs put in
# (WHATWG Encoding: ISO-8859-1 in mail is Windows-1252, GB2312 is GB18030, KS_C_5601 is CP949, Shift_JIS is CP932).
_ALIASES = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "8859_1": "cp1252",
    "us-ascii": "ascii", "ansi_x3.4-1968": "ascii", "iso-8859-8-i": "iso8859-8", "iso-8859-6-i": "iso8859-6", "x-ansi": "cp1252",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "x-euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp_ext", "x-mac-roman": "mac_roman", "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic",
    "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8", "utf8mb4": "utf-8", "x-utf-8": "utf-8", "utf-8n": "utf-8",
    "cp-850": "cp850", "windows-874": "cp874", "tis-620": "cp874", "iso-8859-11": "cp874", "ansi": "cp1252", "x-windows-1252": "cp1252",
}  # fmt: skip
_UNNAMED = frozenset(("", "x-unknown", "unknown", "unknown-8bit", "default", "8bit", "binary", "x-user-defined", "none", "null"))
# Codecs that are no charset of a text, or that run more than a table.
_REFUSED = frozenset(("unicode_escape", "raw_unicode_escape", "undefined", "punycode", "idna", "mbcs", "oem"))
_ESCAPING = frozenset(("utf-7", "hz", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr"))
_JAPANESE = re.compile(rb"\x1b(?:\$[B@]|\([JI])")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Decoded(NamedTuple):
    """A text and, when it was not what the mail said, the code of the oddity."""

    text: str
    oddity: str = ""


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    """Python's name for a charset, or "" when there is none that is safe to use."""
    name = _ALIASES.get(charset, charset)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return ""
    name = info.name.replace("-", "_") if info.name != "utf-7" else "utf-7"
    return "" if name in _REFUSED or not info._is_text_encoding else name


def decode(data: bytes, charset: str = "") -> Decoded:
    """The letters behind the bytes. Never fails: what no charset explains is read as Windows-1252."""
    charset = charset.strip(" \t\"'").lower().partition("*")[0][:40]
    codec = "" if charset in _UNNAMED else _codec(charset)
    if codec not in _ESCAPING and data.isascii() and b"\x1b" not in data and not codec.startswith(("utf_16", "utf_32")):
        return Decoded(data.decode("ascii"))
    return _decode(data, codec, named=charset not in _UNNAMED)


def _decode(data: bytes, codec: str, *, named: bool) -> Decoded:
    if codec in ("cp1252", "ascii", ""):
        # A mail that says Latin-1 and is valid UTF-8 in every special letter was labelled by a program that did not look.
        text = _strictly(data, "utf-8")
        if text is not None and not data.isascii():
            return Decoded(text, "charset_wrong" if named else "charset_missing")
        if _JAPANESE.search(data) and (text := _strictly(data, "iso2022_jp_ext")) is not None:
            return Decoded(text, "charset_wrong" if named else "charset_missing")
    if codec and codec != "ascii" and (text := _strictly(data, codec)) is not None:
        return Decoded(_clean(text))
    if codec not in ("cp1252", "ascii", "") and (text := _strictly(data, "utf-8")) is not None:
        return Decoded(text, "charset_wrong")
    oddity = "charset_wrong" if codec else "charset_unknown" if named else "charset_missing"
    if codec not in ("cp1252", "ascii", ""):
        return Decoded(_clean(data.decode(codec, "replace")), oddity)
    return Decoded(_windows(data), "" if codec == "cp1252" else oddity)


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError, LookupError):
        return None


def _windows(data: bytes) -> str:
    """Windows-1252; its five empty places are read as Latin-1 has them."""
    return _strictly(data, "cp1252") or "".join(_strictly(bytes((byte,)), "cp1252") or chr(byte) for byte in data)


def _clean(text: str) -> str:
    """Without lone surrogates, which some codecs let through and no encoder takes."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)

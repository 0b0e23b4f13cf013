"""Where a message stops being its writer's own words: quoted lines, the line that introduces them, header blocks.

The signs are looked for by structure first (``>``, a line with a date and an address that ends in a colon, a block of
mail headers) and by words second, so that a mail program in a language not listed here is mostly understood too.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_LONGEST_LINE = 500  # characters of a line that are looked at: no mail program writes a longer sign
_ATTRIBUTION_LINES = 4  # "On ... wrote:" is folded over at most so many lines
_BLOCK_LINES = 14  # a header block with long lists of recipients

_QUOTED = re.compile(r"\s{0,3}(?:>|\|(?:\s|>|$))")

_WROTE = re.compile(
    r"\b(?:wrote|writes|kirjoitti|kirjoittaa|skrev|skriver|schrieb|écrit|escribió|scritto|schreef|geschreven|"
    r"escreveu|napisał|napisała|kirjutas|skrifaði|написал|написала|пишет|пише)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"\s*[-–—*_>\s]{0,10}(?:on|den|am|le|el|il|op|em|dnia|w dniu|på|\w{2,3}\.? ?\d|\d)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[<(\[\"'*\s,:]?[\w.+%=&~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_CLOCK = re.compile(r"\b\d{1,2}[:.\u200e]{1,2}\d{2}\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2}\b")

_ORIGINAL_WORDS = (
    r"original message|original appointment|reply message|alkuperäinen viesti|alkuperäinen tapaaminen|ursprungligt meddelande|"
    r"originalmeddelande|ursprünglich\w* nachricht|original-nachricht|message d'origine|opprinnelig melding|"
    r"oprindelig meddelelse|mensaje original|messaggio originale|oorspronkelijk bericht|исходное сообщение|algne sõnum"
)
_ORIGINAL = re.compile(rf"\s*[-_=*\s]{{0,60}}(?P<words>{_ORIGINAL_WORDS})\s*:?[-_=*\s]{{0,60}}$", re.IGNORECASE)
_FORWARD = re.compile(
    r"\s*(?:[-_=*]{2,40}\s*(?:forwarded message|forwarded by|välitetty viesti|edelleen lähetetty viesti|edelleenlähetetty viesti|"
    r"lähetetty edelleen|vidarebefordrat|weitergeleitete nachricht|message transféré|videresendt|doorgestuurd bericht)"
    r"|(?:begin forwarded message|välitetty viesti alkaa|edelleen lähetetty viesti alkaa|edelleenlähetetty viesti alkaa|"
    r"lähetetty edelleen|vidarebefordrat (?:brev|meddelande|mejl)|start på vidarebefordrat \w+|videresendt (?:besked|melding))\s*:)",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*(?:[-_=*~─—–]{3,}|\* \* \*)\s*$")

_FROM, _SENT, _TO, _COPY, _SUBJECT, _REPLY_TO = "from", "sent", "to", "copy", "subject", "reply_to"
_LABELS = {
    **dict.fromkeys(("from", "lähettäjä", "keneltä", "från", "avsändare", "von", "de", "fra", "da", "van", "od", "от", "saatja"), _FROM),
    **dict.fromkeys(("sent", "date", "lähetetty", "päivämäärä", "päiväys", "pvm", "skickat", "datum", "gesendet", "envoyé", "sendt",
                     "dato", "enviado", "fecha", "inviato", "data", "verzonden", "отправлено", "дата", "saadetud", "kuupäev"), _SENT),
    **dict.fromkeys(("to", "vastaanottaja", "vastaanottajat", "kenelle", "till", "an", "à", "til", "para", "aan", "a", "кому",
                     "saaja", "adressaat"), _TO),
    **dict.fromkeys(("cc", "kopio", "kopia", "kopi", "копия", "bcc", "piilokopio"), _COPY),
    **dict.fromkeys(("subject", "aihe", "ämne", "betreff", "objet", "emne", "asunto", "oggetto", "onderwerp", "тема", "teema",
                     "rubrik", "otsikko"), _SUBJECT),
    **dict.fromkeys(("reply-to", "vastausosoite", "svara till", "svar till", "importance", "tärkeys", "prioritet"), _REPLY_TO),
}  # fmt: skip
_LABEL = re.compile(r"\s{0,8}\*{0,2}([^\W\d_][^\W\d_ -]{0,14}(?:[ -][^\W\d_]{1,8})?)\s{0,2}:\*{0,2}(?=\s|$|\S)")


class _Block(NamedTuple):
    """A block of mail headers inside a text: where it starts (its rule or title included) and where the words go on."""

    start: int
    end: int


def split_quotes(lines: Sequence[str], *, forwarded: bool = False) -> tuple[list[str], list[str]]:
    """The lines in two heaps: the writer's own, and the quoted ones with what introduces them."""
    own: list[str] = []
    quoted: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position][:_LONGEST_LINE]
        if _QUOTED.match(line):
            quoted.append(lines[position])
            _gap(own)
            position += 1
            continue
        if _FORWARD.match(line):
            return [*own, *lines[position:]], quoted
        block = _header_block(lines, position)
        if block is not None:
            if forwarded or not _has_words(own):
                return [*own, *lines[position:]], quoted
            return own, [*quoted, *lines[position:]]
        length, sure = _attribution(lines, position)
        if length > 1 and _starts_later(lines, position, length):
            length = 0
        if length and _quote_follows(lines, position + length):
            quoted.extend(lines[position : position + length])
            position += length
        elif length and sure and _has_words(own) and not forwarded:
            return own, [*quoted, *lines[position:]]
        else:
            own.append(lines[position])
            position += 1
    return own, quoted


def _gap(own: list[str]) -> None:
    """What was written above a quote and what was written below it are two paragraphs."""
    if own and own[-1].strip():
        own.append("")


def _has_words(lines: Sequence[str]) -> bool:
    return any(line.strip() and not _RULE.match(line[:_LONGEST_LINE]) for line in lines)


def _quote_follows(lines: Sequence[str], position: int) -> bool:
    for line in lines[position : position + 4]:
        if line.strip():
            return bool(_QUOTED.match(line[:_LONGEST_LINE]))
    return False


def _attribution(lines: Sequence[str], position: int) -> tuple[int, bool]:
    """How many lines from here introduce a quote (0: none), and whether that is sure even when no ``>`` follows."""
    if len(lines[position]) > _LONGEST_LINE or not lines[position].strip():
        return 0, False
    joined = ""
    for length in range(1, _ATTRIBUTION_LINES + 1):
        if position + length > len(lines):
            break
        line = lines[position + length - 1][:_LONGEST_LINE].strip()
        if not line or _QUOTED.match(line):
            break
        joined = f"{joined} {line}" if joined else line
        if line.endswith(":"):
            likely, sure = _introduces(joined)
            return (length, sure) if likely else (0, False)
    return 0, False


def _starts_later(lines: Sequence[str], position: int, length: int) -> bool:
    """Whether the first of these lines only stands above the sign: the sign says as much without it."""
    with_it = " ".join(line.strip() for line in lines[position : position + length])
    without = " ".join(line.strip() for line in lines[position + 1 : position + length])
    evidence = (_ADDRESS, _CLOCK, _YEAR, _WROTE)
    return not without.startswith("<") and all(bool(sign.search(with_it)) == bool(sign.search(without)) for sign in evidence)


def _introduces(joined: str) -> tuple[bool, bool]:
    """Whether a line may introduce a quote, and whether it surely does: an address or a time of day beside the verb."""
    verb = _WROTE.search(joined)
    address = _ADDRESS.search(joined) is not None
    clock = _CLOCK.search(joined) is not None
    dated = clock or _YEAR.search(joined) is not None
    if verb is not None:
        at_an_edge = _OPENING.match(joined) is not None or joined[verb.end() :].strip(" :*()a") == ""
        return True, (address and (dated or at_an_edge)) or (clock and at_an_edge)
    return address and dated, address and dated and joined.rstrip(": ").endswith((">", ")", "]"))


def _header_block(lines: Sequence[str], position: int) -> _Block | None:
    """The header block that starts at this line, perhaps with a rule or an "Original Message" above its first field."""
    line = lines[position][:_LONGEST_LINE]
    original = _ORIGINAL.match(line)
    introduced = original is not None or _RULE.match(line) is not None
    start = position
    if introduced:
        position = _next_words(lines, position + 1)
        if position >= len(lines):
            return None
    elif not line.strip():
        return None
    labels, address, end = _fields(lines, position)
    if original is not None and (line.strip("*_= \t").startswith("-") or labels):
        return _Block(start, end)
    if _FROM not in labels:
        return None
    enough = 2 if introduced else 3 if address else 4
    if len(labels) >= enough and (address or introduced or _SUBJECT in labels):
        return _Block(start, end)
    return None


def _next_words(lines: Sequence[str], position: int) -> int:
    while position < len(lines) and not lines[position].strip():
        position += 1
    return position


def _fields(lines: Sequence[str], position: int) -> tuple[set[str], bool, int]:
    """Which header fields stand here one below the other, whether an address is among them, and where they end."""
    labels: set[str] = set()
    address = False
    if _label(lines[position]) is None:
        return labels, address, position
    end = position
    for number in range(position, min(len(lines), position + _BLOCK_LINES)):
        line = lines[number][:_LONGEST_LINE]
        label = _label(line)
        if label is not None:
            labels.add(label)
            address = address or _ADDRESS.search(line) is not None
            end = number + 1
        elif number - end >= 3 or (not line.strip() and not _field_follows(lines, number)):
            break
    return labels, address, end


def _field_follows(lines: Sequence[str], number: int) -> bool:
    """Some programs put a blank line between the fields."""
    return number + 1 < len(lines) and _label(lines[number + 1]) is not None


def _label(line: str) -> str | None:
    found = _LABEL.match(line[:_LONGEST_LINE])
    return _LABELS.get(found.group(1).casefold()) if found else None

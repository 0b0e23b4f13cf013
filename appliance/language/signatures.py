"""The signature at the end of a message: what it is known by, and how far it reaches.

A signature is cut only when what follows its sign looks like one (short lines, no question, no order number): a
customer's words are worth more than a clean ending.
"""

import re
from collections.abc import Callable, Sequence

from appliance.records.message import Address

_LONGEST_LINE = 300
_LONGEST_SIGNATURE = 20  # lines with words
_WIDEST = 90  # characters: a longer line is a sentence, not a signature
_ROUNDS = 5  # a list footer, below a mobile footer, below a name

_DELIMITER = re.compile(r"\s*(?:--|—|–)\s*$")
_RULE = re.compile(r"\s*[-_=*~─—]{5,}\s*$")
_MOBILE = re.compile(
    r"\s*[\[(<*_]*(?:"
    r"sent from (?:my (?:\w+[ -]?){1,4}"
    r"|(?:outlook|yahoo|mail|gmail|proton|samsung|iphone|ipad|android|windows|blackberry|nokia|huawei)\b.{0,60})"
    r"|sent (?:with|via|using) (?:\w+[ ':.()/?-]*){1,12}"
    r"|get outlook for .{2,30}|(?:download|get) the all-new aol .{0,30}|via mobile"
    r"|lähetetty .{0,40}(?:iphone|ipad|android|puhelime|laittee|tabletti|outlook|samsung|nokia|huawei|windows|yahoo|gmail|sähköposti)"
    r".{0,40}"
    r"|hanki outlook .{2,40}"
    r"|(?:skickat|skickades|sänt) (?:från|med|via)"
    r" (?:min|mitt|outlook|yahoo|gmail|e-post|samsung|windows|android|iphone|ipad).{0,40}"
    r"|hämta outlook .{2,40}"
    r"|sendt fra (?:min|mit) .{2,30}|von meinem .{2,30} gesendet|envoyé (?:de|depuis) mon .{2,30}"
    r")[\])>*_.]*\s*(?:<?\(?https?://\S{1,200})?\s*$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\s*[*_]{0,2}(?:"
    r"(?:with )?(?:my )?(?:(?:kind|best|warm|kindest|warmest|many|friendly) )?(?:regards|wishes)"
    r"|(?:thanks|thank you) and (?:kind |best )?regards"
    r"|yours (?:sincerely|faithfully|truly)|(?:sincerely|respectfully|faithfully)(?: yours)?|all the best|best|b\.?r\.?|k\.?r\.?|rgds|brgds"
    r"|(?:\w{3,20}in )?(?:\w{3,20}in )?(?:terveisin|tervehdyksin|terkuin)|terveisiä|terkut|terv\.?|(?:yst\.? ?)terv\.?|y\.?t\.?|yst\.|t[.:]"
    r"|ystävällisesti|kunnioittavasti|kunnioittaen"
    r"|(?:med |de )?(?:vänlig|vänliga|bästa|varma|hjärtliga|soliga|många) hälsning(?:ar)?|hälsning(?:ar)?|hälsn\.?|m\.?v\.?h\.?"
    r"|v\.?h\.?|hälsar|vänligen|allt gott"
    r"|(?:mit )?freundlichen? grüße?n?|mfg|viele grüße|cordialement|(?:med )?(?:venlig|vennlig) hilsen|hilsen|lugupidamisega|tervitades"
    r"|(?:с уважением)|saludos|cordiali saluti"
    r")(?P<rest>(?:[\s,.!:;*_-].{0,60})?)$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\s*(?:(?:many |best )?thanks(?: (?:in advance|a lot|again|so much))?|thank you(?: (?:in advance|very much|so much))?|cheers|thx"
    r"|(?:suur(?:i|et) |paljon |monet )?kiito(?:s|kset)(?: (?:jo )?(?:etukäteen|avusta|ajastanne|vastauksesta))?|kiittäen"
    r"|(?:stort |många )?tack(?: (?:på förhand|för hjälpen|så mycket))?)[\s,.!:)-]*$",
    re.IGNORECASE,
)
_DASH_NAME = re.compile(r"\s*(?:--?|—|–)\s?[A-ZÅÄÖÉÜ][\w'.-]{1,30}(?: [A-ZÅÄÖÉÜ][\w'.-]{0,30}){0,2}\s*$")
_DISCLAIMER = re.compile(
    r"\s*[*_]{0,2}(?:"
    r"(?:this|the (?:information|contents?)) .{0,60}(?:e-?mail|message|communication).{0,200}(?:confidential|intended|privileged)"
    r"|(?:confidentiality|disclaimer|important) ?(?:notice|note)?\s*:|(?:tämä|tämän) (?:sähköposti|viesti).{0,200}luottamuksellis"
    r"|(?:detta|denna) (?:e-?post|meddelande|mejl).{0,200}(?:konfidentiel|avse|sekretess)|virus-free\b|avast\b"
    r"|please consider the environment|ajattele ympäristöä|tänk på miljön)",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"\s*(?:p\.? ?s\.?|n\.? ?b\.?|huom|obs|note)\b\s*[:.!]?\s", re.IGNORECASE)
_KEEP = re.compile(
    r"(?:tilau|laskun?|viite|asiakasn|asiakas ?n|toimitus|sopimus|reklamaatio|order|invoice|reference|customer (?:no|num|id)|account|"
    r"booking|ticket|case|serial|tracking|beställ|faktura|kundn|referens|ärende|leverans|avtal|sarjan)\D{0,30}\d",
    re.IGNORECASE,
)
_MAIL_OR_WEB = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.\w|\bhttps?://|\bwww\.", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|\b(?:tel|puh|phone|gsm|mob|mobil|fax|t|p|m|f)\b\.?:?\s*|\()?\d[\d\s().-]{6,18}\d", re.IGNORECASE)
_FOOTER = re.compile(r"mailing list|unsubscribe|sent (?:via|from|with)|peruuta tilaus|avprenumerera|envoyé par", re.IGNORECASE)
_NAME_LINE = re.compile(r"\s*[^\W\d_][\w'.-]*(?:,? [^\W\d_][\w'.-]*){0,4},?\s*$")

_Span = tuple[int, int]


def split_signature(lines: Sequence[str], sender: Address) -> tuple[list[str], list[str]]:
    """The lines without their signature, and the signature's lines. All lines stay when nothing else would."""
    kept = list(lines)
    signature: list[str] = []
    names = _name_words(sender)
    for _ in range(_ROUNDS):
        while kept and not kept[-1].strip():
            kept.pop()
        span = _find(kept, names)
        if span is None:
            break
        rest = [*kept[: span[0]], *kept[span[1] :]]
        if not any(line.strip() for line in rest):
            break
        signature = [*kept[span[0] : span[1]], *signature]
        kept = rest
    return kept, signature


def _find(lines: list[str], names: frozenset[str]) -> _Span | None:
    finders: tuple[Callable[[], _Span | None], ...] = (
        lambda: _after_delimiter(lines),
        lambda: _disclaimer(lines),
        lambda: _after_rule(lines, names),
        lambda: _mobile(lines),
        lambda: _after_closing(lines),
        lambda: _after_name(lines, names),
        lambda: _dash_name(lines),
        lambda: _contact_block(lines),
    )
    return next((span for find in finders if (span := find()) is not None), None)


def _name_words(sender: Address) -> frozenset[str]:
    """The words by which the sender may sign: those of the display name, and of the address before the ``@``."""
    local = sender.address.partition("@")[0]
    return frozenset(word.casefold() for word in re.findall(r"[^\W\d_]{2,}", f"{sender.name} {local}"))


def _tail(lines: Sequence[str]) -> range:
    """The numbers of the last lines, as many as a signature may have, from the first of them on."""
    words = 0
    for number in range(len(lines) - 1, -1, -1):
        words += bool(lines[number].strip())
        if words > _LONGEST_SIGNATURE:
            return range(number + 1, len(lines))
    return range(len(lines))


def _is_sentence(line: str) -> bool:
    """Whether a line says something, so that it may not go with a signature."""
    line = line.strip()
    if not line:
        return False
    return (
        len(line) > _WIDEST
        or line.endswith("?")
        or (line.endswith((".", "!")) and len(line.split()) > 7)
        or len(line.split()) > 12
        or _POSTSCRIPT.match(line) is not None
        or _KEEP.search(line[:_LONGEST_LINE]) is not None
    )


def _reach(lines: Sequence[str], start: int) -> int:
    """How far a signature that starts here goes: up to the first line that says something."""
    for number in range(start, len(lines)):
        if _is_sentence(lines[number]) and not _DISCLAIMER.match(lines[number][:_LONGEST_LINE]):
            return number
    return len(lines)


def _after_delimiter(lines: Sequence[str]) -> _Span | None:
    """The line ``--`` (RFC 3676, 4.3): the program put it there, so the rest goes whatever it says, order numbers excepted."""
    for number in _tail(lines):
        if _DELIMITER.match(lines[number][:_LONGEST_LINE]):
            if any(_KEEP.search(line[:_LONGEST_LINE]) for line in lines[number + 1 :]):
                return number, max(_reach(lines, number + 1), number + 1)
            return number, len(lines)
    return None


def _disclaimer(lines: Sequence[str]) -> _Span | None:
    for number in _tail(lines):
        starts = number == 0 or not lines[number - 1].strip()
        if starts and _DISCLAIMER.match(" ".join(lines[number : number + 4])[:_LONGEST_LINE]):
            return number, len(lines)
    return None


def _after_rule(lines: Sequence[str], names: frozenset[str]) -> _Span | None:
    """A line of dashes or underscores, when what follows carries a signature's or a footer's marks."""
    for number in _tail(lines):
        if not _RULE.match(lines[number][:_LONGEST_LINE]) or _reach(lines, number + 1) < len(lines):
            continue
        rest = [line[:_LONGEST_LINE] for line in lines[number + 1 :]]
        if any(_is_contact(line) or _FOOTER.search(line) or _is_name(line, names) for line in rest):
            return number, len(lines)
    return None


def _mobile(lines: Sequence[str]) -> _Span | None:
    for number in reversed(_tail(lines)):
        line = lines[number][:_LONGEST_LINE]
        if line.strip():
            return (number, len(lines)) if _MOBILE.match(line) else None
    return None


def _closes(line: str) -> bool:
    """Whether a line is a closing formula, alone or with the name behind it."""
    found = _CLOSING.match(line[:_LONGEST_LINE])
    if found is None:
        return False
    words = found.group("rest").strip(" ,.!:;*_-").split()
    return len(words) <= 5 and all(word[:1].isupper() or word in ("/", "&", "och", "ja", "and", "von", "av") for word in words)


def _after_closing(lines: Sequence[str]) -> _Span | None:
    for number in _tail(lines):
        if _closes(lines[number]):
            return number, max(_reach(lines, number + 1), number + 1)
    return None


def _is_name(line: str, names: frozenset[str]) -> bool:
    if not names or not _NAME_LINE.match(line[:_LONGEST_LINE]):
        return False
    words = [word.casefold() for word in re.findall(r"[^\W\d_]{2,}", line)]
    return bool(words) and words[0] in names and len(words) <= 5


def _after_name(lines: Sequence[str], names: frozenset[str]) -> _Span | None:
    """The sender's own name on a line of its own, with the thanks above it."""
    for number in _tail(lines):
        if number == 0 or not _is_name(lines[number], names):
            continue
        above = number - 1
        while above > 0 and not lines[above].strip():
            above -= 1
        thanked = _THANKS.match(lines[above][:_LONGEST_LINE]) is not None
        if not thanked and lines[number - 1].strip():
            continue
        if _reach(lines, number + 1) == len(lines):
            return (above if thanked and above > 0 else number), len(lines)
    return None


def _dash_name(lines: Sequence[str]) -> _Span | None:
    """``-Anna`` as the last line and a paragraph of its own."""
    last = len(lines) - 1
    if last >= 2 and not lines[last - 1].strip() and _DASH_NAME.match(lines[last][:_LONGEST_LINE]):
        return last, last + 1
    return None


def _is_contact(line: str) -> bool:
    return _MAIL_OR_WEB.search(line) is not None or _PHONE.search(line) is not None


def _contact_block(lines: Sequence[str]) -> _Span | None:
    """A last paragraph that is a name over at least two ways to reach its bearer."""
    start = len(lines)
    while start > 0 and lines[start - 1].strip():
        start -= 1
    block = [line[:_LONGEST_LINE] for line in lines[start:]]
    above = next((line for line in reversed(lines[:start]) if line.strip()), "")
    if not 3 <= len(block) <= 8 or above.rstrip().endswith(":") or not _NAME_LINE.match(block[0]):
        return None
    short = all(len(line) <= 60 and not _is_sentence(line) for line in block)
    return (start, len(lines)) if short and sum(map(_is_contact, block)) >= 2 else None

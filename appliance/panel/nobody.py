"""The page that the desktop window shows when neither machine answers: its own, in three languages, the person's first."""

from collections.abc import Mapping, Sequence
from html import escape
from zoneinfo import ZoneInfo

from appliance.ground.assets import asset
from appliance.panel.words import Voice, load
from appliance.records.language import LANGUAGES, Code

_PAGE = """<!doctype html>
<html lang="{code}"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Tandem</title>
<style>{style}</style></head>
<body class="bare"><main id="main"><p class="brand">{mark}<span>Tandem</span></p><div class="card">{parts}</div></main></body></html>"""
_PART = '<{heading} lang="{code}">{title}</{heading}><p lang="{code}">{what}</p>{links}'
_LINK = '<p><a class="button" href="{address}/">{words}</a></p>'


def page(known: Sequence[str], environment: Mapping[str, str]) -> str:
    """The page as HTML. Its links lead to the machines, for whoever does not want to wait the two seconds."""
    tables = load(asset("web") / "words")
    codes = order(environment)
    parts = "".join(_part(Voice(tables, code, ZoneInfo("UTC"), 0.0), known, first=code == codes[0]) for code in codes)
    static = asset("web") / "static"
    style, mark = ((static / name).read_text(encoding="utf-8") for name in ("panel.css", "mark.svg"))
    return _PAGE.format(code=codes[0], style=style, mark=mark.replace("<svg ", '<svg class="mark" aria-hidden="true" ', 1), parts=parts)


def order(environment: Mapping[str, str]) -> tuple[Code, ...]:
    """The three languages, that of the person's session first (POSIX: LC_ALL, then LC_MESSAGES, then LANG), English otherwise."""
    said = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name, ""))), "")
    own = said[:2].lower()
    return tuple(sorted(LANGUAGES, key=lambda code: (code != own, code != "en", LANGUAGES.index(code))))


def _part(voice: Voice, known: Sequence[str], first: bool) -> str:
    """One language. The links stand in the first alone: they need no words."""
    links = "".join(_LINK.format(address=escape(each), words=escape(voice.text("desktop.retry", address=each))) for each in known)
    return _PART.format(
        code=voice.code,
        heading="h1" if first else "h2",
        title=escape(voice.count("desktop.nobody", len(known))),
        what=escape(voice.text("desktop.what")),
        links=links if first else "",
    )

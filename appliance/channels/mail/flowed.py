"""Text that was wrapped for the way, put back into its paragraphs (RFC 3676, ``format=flowed``)."""

import re

_DEPTH = re.compile(r">*")


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Join the lines that end in a space with what follows, within one depth of quoting; ``-- `` never flows."""
    done: list[str] = []
    running: list[str] = []
    depth = 0
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        quotes = len(_DEPTH.match(line).group())  # type: ignore[union-attr]
        words = line[quotes:].removeprefix(" ")
        if running and (quotes != depth or words == "-- "):
            done.append(_quoted("".join(running), depth))
            running = []
        depth = quotes
        if words.endswith(" ") and words != "-- ":
            running.append(words[:-1] if delete_space else words)
        else:
            done.append(_quoted("".join([*running, words]), depth))
            running = []
    if running:
        done.append(_quoted("".join(running), depth))
    return "\n".join(done)


def _quoted(text: str, depth: int) -> str:
    return f"{'>' * depth} {text}" if depth else text

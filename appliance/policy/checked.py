"""Reading a table of configuration and saying exactly what is wrong with it: the key's path, the reason, the remedy."""

import difflib
from collections.abc import Iterable
from datetime import date
from typing import Any

from appliance.policy.errors import PolicyError
from appliance.records.language import LANGUAGES, Code


class Table:
    """A table out of a TOML file that knows its path and complains by it. ``done`` must be called: it names unknown keys."""

    def __init__(self, name: str, path: str, value: object) -> None:
        self.name = name
        self.path = path
        if not isinstance(value, dict):
            raise PolicyError(name, path, f"expected a table, found {_kind(value)}", f"Write it as [{path}] with keys below it.")
        self._values: dict[str, Any] = dict(value)
        self._asked: set[str] = set()

    def at(self, key: str) -> str:
        """The path of a key of this table."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, key: str, reason: str, remedy: str) -> PolicyError:
        """The error to raise about a key."""
        return PolicyError(self.name, self.at(key), reason, remedy)

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._values

    def names(self) -> tuple[str, ...]:
        """All keys, which makes all of them known."""
        self._asked.update(self._values)
        return tuple(self._values)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, f"expected text, found {_kind(value)}", f'Write {key} = "...".')
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"expected true or false, found {_kind(value)}", f"Write {key} = true or {key} = false.")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, f"expected a number, found {_kind(value)}", f"Write a number from {low:g} to {high:g}.")
        if not low <= value <= high:
            raise self.wrong(key, f"{value:g} is out of range", f"Write a number from {low:g} to {high:g}.")
        return float(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self.number(key, default, low, high)
        if value != int(value):
            raise self.wrong(key, f"expected a whole number, found {value:g}", f"Write a whole number from {low} to {high}.")
        return int(value)

    def strings(self, key: str) -> list[str]:
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "expected a list of texts", f'Write {key} = ["...", "..."].')
        return value

    def wholes(self, key: str, low: int, high: int) -> list[int]:
        value = self._get(key, [])
        fine = isinstance(value, list) and all(type(item) is int and low <= item <= high for item in value)
        if not fine:
            raise self.wrong(key, "expected a list of whole numbers", f"Write numbers from {low} to {high}: {key} = [{low}, {high}].")
        return list(value)

    def day(self, key: str) -> date | None:
        """A calendar day written as 2026-12-31; None where the key is missing."""
        if not self.has(key):
            return None
        value = self._values[key]
        if type(value) is not date:
            raise self.wrong(key, f"expected a day, found {_kind(value)}", f"Write {key} = 2026-12-31, without quotation marks.")
        return value

    def table(self, key: str) -> "Table":
        return Table(self.name, self.at(key), self._get(key, {}))

    def tables(self, key: str) -> list["Table"]:
        value = self._get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, f"expected several tables, found {_kind(value)}", f"Write each as [[{self.at(key)}]].")
        return [Table(self.name, f"{self.at(key)}[{position}]", item) for position, item in enumerate(value, 1)]

    def per_language(self, key: str) -> dict[Code, str]:
        """Texts by language; fewer than three are allowed."""
        table = self.table(key)
        texts: dict[Code, str] = {code: table.text(code) for code in LANGUAGES if table.has(code)}
        table.done()
        return texts

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        value, known = self.text(key, default), tuple(choices)
        if value not in known:
            near = nearest(value, known)
            raise self.wrong(key, f"'{value}' is not known", f"Did you mean '{near}'?" if near else f"Use one of: {', '.join(known)}.")
        return value

    def done(self) -> None:
        """Complain about the first key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                near = nearest(key, self._asked)
                known = ", ".join(sorted(self._asked)) or "none"
                raise self.wrong(key, "there is no such key", f"Did you mean '{near}'?" if near else f"Known here: {known}.")

    def _get(self, key: str, default: object) -> Any:
        self._asked.add(key)
        if key in self._values:
            return self._values[key]
        if default is None:
            raise self.wrong(key, "this key is needed", f"Add {key} to [{self.path}].")
        return default


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or ""."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return names.get(type(value), type(value).__name__)

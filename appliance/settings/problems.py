"""What is wrong with a configuration: each thing with its key, the reason and the remedy, and all of them at once."""

from collections.abc import Iterable

from appliance.ground.errors import SettingsError
from appliance.records.base import Record


class Problem(Record):
    """One thing that cannot be used. ``key`` is its path as a person would write it (``mailbox.0.imap.port``), ``where`` the
    file or the environment name it stands in. No value is repeated: it might be a password in the wrong place."""

    key: str
    reason: str
    remedy: str
    where: str = ""

    def line(self) -> str:
        """The problem as one line for a person."""
        place = f" ({self.where})" if self.where else ""
        return f"{self.key}{place}: {self.reason}. {self.remedy}".rstrip()


def problem(key: str, reason: str, remedy: str, where: str = "") -> Problem:
    """A problem, in the order in which a person reads it."""
    return Problem(key=key, reason=reason, remedy=remedy, where=where)


class SettingsInvalid(SettingsError):
    """The configuration cannot be used. ``problems`` says everything that must change."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            only = self.problems[0]
            place = f" ({only.where})" if only.where else ""
            super().__init__(f"{only.key}{place}: {only.reason}.", only.remedy)
            return
        lines = "\n".join(f"  {each.line()}" for each in self.problems)
        super().__init__(f"{len(self.problems)} settings cannot be used:\n{lines}", "Correct them all, then run: tandem config check")


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or ""."""
    import difflib  # late: only a mistake needs it

    names = list(known)
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return close[0]
    # A key in the wrong table: the same last word elsewhere is what was meant.
    last = wrong.rpartition(".")[2]
    return next((name for name in names if name.rpartition(".")[2] == last), "")

"""The log: one JSON object a line, and never a customer's words in it.

Every record has ``time``, ``level``, ``event`` and whatever fields the caller names. What looks like an address, a
phone number or a personal identity number is masked on the way out, whoever wrote it: the log is a place where such
things end up by accident, so the door is here and not with each caller.
"""

import json
import logging
import re
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from appliance.ground.errors import StoreError, TandemError

_MASKS = (
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "[address]"),
    (re.compile(r"\b\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]\b"), "[identity]"),  # Finnish personal identity code
    (re.compile(r"\b(?:19|20)?\d{6}[-+]\d{4}\b"), "[identity]"),  # Swedish personal identity number
    (re.compile(r"(?<![\w.-])\+?\d[\d ()-]{7,}\d(?![\w.-])"), "[number]"),
)
_FIELDS = "tandem_fields"
# A command that keeps no log says itself what went wrong; Python would print each event's bare name to standard error.
logging.getLogger("tandem").addHandler(logging.NullHandler())


def scrub(text: str) -> str:
    """The text with addresses, phone numbers and personal identity numbers masked."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": scrub(record.getMessage()),
            "thread": record.threadName,
        }
        for name, value in getattr(record, _FIELDS, {}).items():
            line[name] = scrub(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = scrub("".join(_told(record.exc_info[1])))
        return json.dumps(line, ensure_ascii=False, default=str)


def _told(error: BaseException) -> list[str]:
    """Where an error came up and of what kind it is, its causes first.

    What it says is told only where it is our own sentence: any other may quote what it stumbled over, and that is a customer's.
    """
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    said = str(error) if isinstance(error, TandemError) else (isinstance(error, OSError) and error.strerror) or ""
    kind = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return [*(_told(cause) if cause is not None else []), *traceback.format_tb(error.__traceback__), f"{kind}\n"]


def configure(folder: Path | None, level: str = "info", standard_error: bool = True) -> None:
    """Log to standard error unless told not to, and below ``folder`` to ``tandem.log`` and, errors only, ``errors.log``.

    Raises ``StoreError`` when these cannot be made; the log is then as it was before.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)] if standard_error else []
    if folder is not None:
        handlers += _files(folder)
    # A line that cannot be written (the log's own disk is full) is lost, and that is all. Python would print a traceback to
    # standard error for each, with the line's words in it, and past the masks.
    logging.raiseExceptions = False
    root = logging.getLogger("tandem")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level.upper())
    root.propagate = False
    for handler in handlers:
        handler.setFormatter(_JsonLines())
        root.addHandler(handler)


def _files(folder: Path) -> list[logging.Handler]:
    from logging.handlers import RotatingFileHandler  # late: a quarter of the import time of a short command

    opened: list[logging.Handler] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, level in (("tandem.log", logging.NOTSET), ("errors.log", logging.ERROR)):
            opened.append(RotatingFileHandler(folder / name, maxBytes=10_000_000, backupCount=5, encoding="utf-8"))
            opened[-1].setLevel(level)
    except OSError as error:
        for handler in opened:
            handler.close()
        raise StoreError(
            f"The log cannot be written to the folder {folder} ({error.strerror}).",
            "Move away what stands in its place, or give this user the right to write there.",
        ) from error
    return opened


class Log:
    """A named voice in the log: ``log.info("mail_received", case=case_id)``."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"tandem.{name}")

    def debug(self, event: str, **fields: Any) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, *, error: BaseException | None = None, **fields: Any) -> None:
        self._write(logging.ERROR, event, fields, error)

    def _write(self, level: int, event: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
        if self._logger.isEnabledFor(level):
            trace = (type(error), error, error.__traceback__) if error is not None else None
            self._logger.log(level, event, extra={_FIELDS: fields}, exc_info=trace)


class Trouble:
    """Says once that something broke and once that it healed, however often it is told."""

    def __init__(self, log: Log, name: str) -> None:
        self._log = log
        self._name = name
        self._broken = ""
        self._error: TandemError | None = None
        self._lock = threading.Lock()

    @property
    def reason(self) -> str:
        """Why it is broken now, or an empty string."""
        return self._broken

    @property
    def error(self) -> TandemError | None:
        """What broke it, where whoever told had an error at hand; None when it is whole."""
        return self._error

    def broke(self, reason: str, *, error: TandemError | None = None, **fields: Any) -> None:
        with self._lock:
            first, self._broken, self._error = self._broken != reason, reason, error
        if first:
            code = {"code": error.code} if error is not None and error.code else {}
            self._log.warning(f"{self._name}_broke", reason=reason, **code, **fields)

    def healed(self) -> None:
        with self._lock:
            was, self._broken, self._error = self._broken, "", None
        if was:
            self._log.info(f"{self._name}_healed", was=was)

"""What the panel says when it cannot do something: one shape for programs, one page for people, never a traceback."""

import json

from litestar.exceptions import HTTPException, ValidationException

from appliance.ground.errors import Refused, TandemError
from appliance.ground.log import Log
from appliance.records.base import Record

log = Log("panel")


class ErrorWords(Record):
    """What went wrong, what to do about it, and a code that does not change with the words."""

    message: str
    remedy: str
    code: str


class ErrorBody(Record):
    """The body of every answer that is no success."""

    error: ErrorWords


class Problem(Exception):
    """A request that is not answered as asked. ``code`` is the key of its words in the tables of ``web/words``.

    ``param`` is the field of the body that it is about, for the clients of ``/v1``.
    """

    def __init__(
        self, status: int, code: str, message: str, remedy: str = "", headers: dict[str, str] | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.remedy = remedy
        self.headers = headers or {}
        self.param = param

    def as_json(self) -> bytes:
        return json.dumps({"error": {"message": self.message, "remedy": self.remedy, "code": self.code}}, ensure_ascii=False).encode()

    def as_openai_json(self) -> bytes:
        """The same in the shape that OpenAI's clients read: they show the message alone, so the remedy stands in it."""
        kind = _OPENAI_TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        message = f"{self.message} {self.remedy}".strip()
        error = {"message": message, "type": kind, "param": self.param, "code": self.code}
        return json.dumps({"error": error}, ensure_ascii=False).encode()


_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def not_found(what: str) -> Problem:
    return Problem(404, "not_found", f"There is no {what} here.", "The list of cases shows what there is.")


def forbidden(role: str) -> Problem:
    return Problem(403, "role", f"A {role} may not do this.", "Ask somebody whose role allows it.")


_BY_STATUS = {
    400: ("invalid", "The request is not as described.", "/docs lists what each operation takes."),
    404: ("not_found", "There is nothing at this address.", "/docs lists what there is."),
    405: ("method", "This address does not take that method.", "The Allow header names those it takes."),
    413: ("too_large", "The request is too large.", "Send less at a time."),
    415: ("media_type", "The content type is not one that is read here.", "/docs lists what each operation takes."),
}


def problem_of(error: Exception) -> Problem:
    """The problem that an exception amounts to. What nobody foresaw is logged with its trace and told without it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refused):
        return Problem(409, error.code, error.message, error.remedy)
    if isinstance(error, TandemError):
        return Problem(503, "unavailable", error.message, error.remedy)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_http(error)
    log.error("request_failed", error=error)
    return Problem(
        500, "fault", "Something went wrong inside the appliance.", "The error log says what; try again, and report it if it stays."
    )


def _of_http(error: HTTPException) -> Problem:
    code, message, remedy = _BY_STATUS.get(
        error.status_code, ("invalid", "The request could not be answered.", "/docs lists what there is.")
    )
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        message = (
            "; ".join(f"{row.get('key', 'request')}: {row.get('message', '')}" for row in error.extra if isinstance(row, dict)) or message
        )
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return Problem(error.status_code, code, message, remedy, headers)

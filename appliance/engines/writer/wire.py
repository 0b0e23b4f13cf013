"""A plain client of an OpenAI-compatible server: one conversation in, one text out, within a time and a size.

The answer is asked for as a stream, because a closed connection then ends the work over there; a server that answers in one piece is
understood as well. Of a server's error only the status and short codes are used: its prose may quote what a customer wrote.
"""

import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from appliance.engines.errors import (
    EngineDied,
    EngineNonsense,
    EngineTimeout,
    EngineUnavailable,
    KeyRefused,
    LimitReached,
    ModelMissing,
)
from appliance.engines.writer.prompt import Message
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import EngineError
from appliance.records.answer import Usage
from appliance.records.base import Record

CONNECT_SECONDS = 10.0
LINE_BYTES_MOST = 1_000_000
ANSWER_BYTES_MOST = 8_000_000
ERROR_BYTES_MOST = 100_000
WAIT_SECONDS_MOST = 3_600.0
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,39}")
_NEWER = "unsupported_"  # parameter or value: so a provider's newer models say that they take other options
_WITHOUT_OPTIONS = (400, 422)  # a server that does not know an option of ours says one of these


Manner = Literal["usual", "plain", "newer"]


class Endpoint(Record):
    """Where a model is asked. ``path_prefix`` stands before ``/chat/completions``; ``headers`` hold the key."""

    host: str
    port: int
    tls: bool
    path_prefix: str
    model: str
    headers: dict[str, str] = {}
    authorities: str = ""

    def __repr__(self) -> str:
        return f"Endpoint({self.host}:{self.port}{self.path_prefix} {self.model})"


class Wish(Record):
    """How a model is asked. ``seconds`` for the whole exchange, ``characters`` the longest answer that is read."""

    seconds: float = 60.0
    tokens: int = 800
    temperature: float = 0.0
    characters: int = 40_000
    schema: dict[str, Any] | None = None


class Reply(Record):
    """What a model said, and what it took by its own count."""

    text: str
    usage: Usage = Usage()
    cut: bool = False  # it reached the most tokens it may say


def endpoint_of(url: str, model: str, headers: Mapping[str, str] = {}, authorities: str = "") -> Endpoint:
    """The endpoint behind a base URL such as ``http://127.0.0.1:11434/v1``. Raises ``EngineUnavailable`` when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EngineUnavailable(
            "No usable address of the model's server is set.", "Set writer.base_url, such as http://127.0.0.1:11434/v1."
        )
    tls = parts.scheme == "https"
    return Endpoint(
        host=parts.hostname, port=port or (443 if tls else 80), tls=tls, path_prefix=parts.path.rstrip("/"), model=model,
        headers=dict(headers), authorities=authorities,
    )  # fmt: skip


def complete(endpoint: Endpoint, messages: Sequence[Message], wish: Wish, clock: Clock) -> Reply:
    """The model's text. Raises ``EngineTimeout``, ``EngineUnavailable`` (or ``KeyRefused``, ``ModelMissing``), ``LimitReached``,
    ``EngineDied`` when the connection broke, ``EngineNonsense``."""
    began = clock.elapsed()
    try:
        reply = _exchange(endpoint, _body(endpoint, messages, wish), wish.seconds, wish.characters)
    except _NotUnderstood as error:
        left = wish.seconds - (clock.elapsed() - began)
        if left <= 0:
            raise error.reason from None
        body = _body(endpoint, messages, wish, "newer" if _NEWER in error.reason.message else "plain")
        try:
            reply = _exchange(endpoint, body, left, wish.characters)
        except _NotUnderstood as again:
            raise again.reason from None
    usage = Usage(
        engine=endpoint.model,
        prompt_tokens=reply.usage.prompt_tokens,
        cached_tokens=reply.usage.cached_tokens,
        completion_tokens=reply.usage.completion_tokens,
        seconds=round(clock.elapsed() - began, 3),
    )
    return Reply(text=reply.text, usage=usage, cut=reply.cut)


class _NotUnderstood(Exception):
    """The server took offence at the request; perhaps at one of the options."""

    def __init__(self, reason: EngineError) -> None:
        super().__init__()
        self.reason = reason


def _body(endpoint: Endpoint, messages: Sequence[Message], wish: Wish, manner: Manner = "usual") -> bytes:
    """The request. ``plain`` asks for nothing that a small server may not know; ``newer`` is for models that name the limit of
    tokens otherwise and bear no temperature."""
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "stream": manner != "plain",
    }
    if manner == "newer":
        body["max_completion_tokens"] = wish.tokens
    else:
        body.update(temperature=wish.temperature, max_tokens=wish.tokens)
    if manner != "plain":
        body["stream_options"] = {"include_usage": True}
        if wish.schema is not None:
            form = {"name": "answer", "strict": True, "schema": wish.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")  # half a character, which a model may write, becomes "?"


def _exchange(endpoint: Endpoint, body: bytes, seconds: float, characters: int) -> Reply:
    line = _line(endpoint, min(CONNECT_SECONDS, seconds))
    with _until(line, seconds) as deadline:
        try:
            headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json", **endpoint.headers}
            line.connect()
            deadline.socket = line.sock  # an old server's answer makes the line forget it, while its answer is still read
            deadline.check(endpoint, seconds)  # the time may have ended while there was nothing to cut
            line.sock.settimeout(seconds)
            line.request("POST", f"{endpoint.path_prefix}/chat/completions", body, headers)
            response = line.getresponse()
            if response.status != 200:
                reason = _refused(endpoint, response)
                raise _NotUnderstood(reason) if response.status in _WITHOUT_OPTIONS else reason
            read = _streamed if "event-stream" in response.getheader("Content-Type", "") else _whole
            return read(response, characters)
        except (EngineError, _NotUnderstood):
            deadline.check(endpoint, seconds)
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            deadline.check(endpoint, seconds)
            raise _broken(endpoint, error) from error


def _line(endpoint: Endpoint, seconds: float) -> http.client.HTTPConnection:
    if not endpoint.tls:
        return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=seconds)
    try:
        context = ssl.create_default_context(cafile=endpoint.authorities or None)
    except (OSError, ssl.SSLError) as error:
        raise EngineUnavailable("The file of certificate authorities cannot be used.", "Correct writer.authorities.") from error
    return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=seconds, context=context)


class _Deadline:
    def __init__(self) -> None:
        self.over = False
        self.socket: socket.socket | None = None

    def check(self, endpoint: Endpoint, seconds: float) -> None:
        if self.over:
            raise EngineTimeout(f"The model's server at {endpoint.host} did not answer within {seconds:.0f} s.")


@contextlib.contextmanager
def _until(line: http.client.HTTPConnection, seconds: float) -> Iterator[_Deadline]:
    """Cuts the line when the time is over: a server that drips byte by byte outlives every time-out of a single read."""
    deadline = _Deadline()

    def cut() -> None:
        deadline.over = True
        connected = deadline.socket or line.sock
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        line.close()


def _broken(endpoint: Endpoint, error: Exception) -> EngineError:
    where = f"the model's server at {endpoint.host}:{endpoint.port}"
    if isinstance(error, TimeoutError):
        return EngineTimeout(f"No connection to {where}, or no answer, in time.")
    if isinstance(error, ssl.SSLError):
        return EngineUnavailable(
            f"The line to {where} is not safe: its certificate is not trusted.", "Name its authority in writer.authorities."
        )
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return EngineUnavailable(f"Nobody answers at {where}.", "Start it, or correct writer.base_url.")
    if isinstance(error, OSError | http.client.IncompleteRead | http.client.RemoteDisconnected):
        return EngineDied(f"The connection to {where} broke off.", "It is tried again by itself.")
    return EngineNonsense(f"What came from {where} is no HTTP.", "Correct writer.base_url.")


def _streamed(response: http.client.HTTPResponse, characters: int) -> Reply:
    texts: list[str] = []
    length, seen, finish, usage = 0, 0, "", Usage()
    while line := response.readline(LINE_BYTES_MOST):
        seen += len(line)
        if seen > ANSWER_BYTES_MOST or length > characters:
            raise EngineNonsense("The model's answer has no end.", "Take another model.")
        if not line.startswith(b"data:"):
            continue
        content = line[5:].strip()
        if content == b"[DONE]":
            return Reply(text="".join(texts), usage=usage, cut=finish == "length")
        chunk = _json(content)
        text, ended = _said(chunk, "delta")
        texts.append(text)
        length += len(text)
        finish, usage = ended or finish, _usage(chunk, usage)
    if finish:
        return Reply(text="".join(texts), usage=usage, cut=finish == "length")
    raise EngineDied("The model's answer broke off.", "It is tried again by itself.")


def _whole(response: http.client.HTTPResponse, characters: int) -> Reply:
    content = response.read(ANSWER_BYTES_MOST + 1)
    if len(content) > ANSWER_BYTES_MOST:
        raise EngineNonsense("The model's answer has no end.", "Take another model.")
    if response.length:
        raise EngineDied("The model's answer broke off.", "It is tried again by itself.")
    told = _json(content)
    text, finish = _said(told, "message")
    if len(text) > characters:
        raise EngineNonsense("The model's answer has no end.", "Take another model.")
    return Reply(text=text, usage=_usage(told, Usage()), cut=finish == "length")


def _json(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EngineNonsense("The model's server answered something that is no JSON.", "Correct writer.base_url.") from error
    if not isinstance(told, dict):
        raise EngineNonsense("The model's server answered JSON of another kind.", "Correct writer.base_url.")
    if told.get("error"):
        raise EngineUnavailable(f"The model's server failed in the middle{_codes(told)}.")
    return told


def _said(told: Mapping[str, Any], where: str) -> tuple[str, str]:
    """The text and why it ended, of a chunk or of a whole answer."""
    choices = told.get("choices")
    if choices == [] and where == "delta":  # the last chunk, which brings the usage
        return "", ""
    try:
        choice = choices[0]  # type: ignore[index]
        text, finish = choice.get(where, {}).get("content"), choice.get("finish_reason")
    except (TypeError, LookupError, AttributeError) as error:
        raise EngineNonsense("The model's server answered without a message.", "Correct writer.base_url.") from error
    if not isinstance(text, str | None) or (text is None and where == "message"):
        raise EngineNonsense("The model's server answered with a message that is no text.")
    return text or "", finish if isinstance(finish, str) else ""


def _usage(told: Mapping[str, Any], before: Usage) -> Usage:
    usage = told.get("usage")
    if not isinstance(usage, dict):
        return before
    details = usage.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(details.get("cached_tokens")) if isinstance(details, dict) else 0,
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else 0


def _refused(endpoint: Endpoint, response: http.client.HTTPResponse) -> EngineError:
    """Our error for a status that is not 200."""
    status, where = response.status, f"the model's server at {endpoint.host}"
    codes = _codes_of_body(response)
    said = f"({status}{codes})"
    if status in (401, 403):
        return KeyRefused(f"{where.capitalize()} does not take our key {said}.", "Write a valid key into the file of writer.key_file.")
    if status == 404:
        remedy = "Correct writer.model or writer.base_url, or load the model there."
        return ModelMissing(f"{where.capitalize()} has no model {endpoint.model or 'without a name'} {said}.", remedy)
    if status == 429:
        limit = LimitReached(f"The limit of {where} is reached {said}.", "Wait, or raise the limit at the provider.")
        limit.wait_seconds = _wait_seconds(response.getheader("Retry-After"))
        return limit
    if status in (408, 504):
        return EngineTimeout(f"{where.capitalize()} did not answer in time {said}.")
    if 300 <= status < 400:
        return EngineUnavailable(f"{where.capitalize()} is somewhere else {said}.", "Write its true address into writer.base_url.")
    if status >= 500:
        return EngineUnavailable(f"{where.capitalize()} failed {said}.", "Look at its own log.")
    return EngineUnavailable(f"{where.capitalize()} does not take our request {said}.", "Correct writer.model or writer.base_url.")


def _codes_of_body(response: http.client.HTTPResponse) -> str:
    try:
        return _codes(json.loads(response.read(ERROR_BYTES_MOST)))
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return ""


def _codes(told: object) -> str:
    """The short codes of an error's body, such as ", insufficient_quota"."""
    error = told.get("error") if isinstance(told, dict) else None
    found = [error.get("code"), error.get("type")] if isinstance(error, dict) else []
    return "".join(f", {code}" for code in dict.fromkeys(one for one in found if isinstance(one, str) and _CODE.fullmatch(one)))


def _wait_seconds(told: str | None) -> float:
    """What Retry-After says, in seconds: a number, or a date."""
    if told is None:
        return LimitReached.wait_seconds
    if told.strip().isdecimal():
        return min(float(told), WAIT_SECONDS_MOST)
    try:
        then = parsedate_to_datetime(told)
        return max(1.0, min((then.timestamp() - SystemClock().now()), WAIT_SECONDS_MOST))
    except (ValueError, TypeError, OverflowError):
        return LimitReached.wait_seconds

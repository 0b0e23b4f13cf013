"""A file on a web server: what comes is what lies there, and whatever a server does ends soon and in clear words."""

import socket
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.remote import Patience, SignIn, address_of, fetch, fetch_if_changed
from tests.live.servers.child import certificate
from tests.support.web_share import Misbehaviour, Share, answers, breaks_off, drips, hangs, never_ends, says, trickles, web_share

FACTS = b"Key;Value\nopening_hours;Mon-Fri 9-17\n"
SHORT = Patience(silent_seconds=0.3, seconds=0.6, file_bytes=1_000_000)
PLACE = "/kb/en.csv"


@pytest.fixture
def share() -> Iterator[Share]:
    with web_share() as running:
        running.files[PLACE] = FACTS
        yield running


def refusal(url: str, sign_in: SignIn = SignIn(), patience: Patience = SHORT) -> SourceUnreadable:  # noqa: B008
    with pytest.raises(SourceUnreadable) as caught:
        fetch(address_of(url), sign_in, patience)
    assert caught.value.message.endswith(".")
    assert caught.value.remedy
    return caught.value


def test_the_file_comes_as_it_lies_there(share: Share) -> None:
    copy = fetch(address_of(share.url()), SignIn())
    assert (copy.name, copy.content) == ("en.csv", FACTS)


def test_what_is_known_is_not_sent_again(share: Share) -> None:
    address = address_of(share.url())
    known = fetch(address, SignIn())
    assert fetch_if_changed(address, SignIn(), known) is None
    share.files[PLACE] = FACTS + b"returns;14 days\n"
    changed = fetch_if_changed(address, SignIn(), known)
    assert changed is not None
    assert changed.content.endswith(b"14 days\n")
    assert share.answers == [200, 304, 200]


def test_a_server_that_knows_dates_only_is_asked_by_date(share: Share) -> None:
    date = "Fri, 20 Nov 2020 10:00:00 GMT"
    share.wrong[PLACE] = answers(200, FACTS, "text/csv", Last_Modified=date)
    known = fetch(address_of(share.url()), SignIn())
    share.wrong[PLACE] = answers(304, Last_Modified=date)
    assert fetch_if_changed(address_of(share.url()), SignIn(), known) is None
    assert share.heard[-1].get("If-Modified-Since") == date


def test_a_date_of_this_very_moment_is_not_relied_on(share: Share) -> None:
    """Within the second that it names the file may have changed again."""
    share.wrong[PLACE] = answers(200, FACTS, "text/csv", Last_Modified=formatdate(usegmt=True))
    known = fetch(address_of(share.url()), SignIn())
    fetch_if_changed(address_of(share.url()), SignIn(), known)
    assert "If-Modified-Since" not in share.heard[-1]


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("/kb/en.md", "application/octet-stream", "en.md"),
        ("/kb/en.csv", "text/plain; charset=utf-8", "en.csv"),
        ("/export", "text/csv; charset=utf-8", "export.csv"),
        ("/export", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "export.xlsx"),
        ("/export", "application/pdf", "export"),
    ],
)
def test_the_ending_or_the_content_type_tells_the_kind(share: Share, path: str, kind: str, name: str) -> None:
    share.files[path], share.types[path] = FACTS, kind
    assert fetch(address_of(share.url(path) + "?key=secret"), SignIn()).name == name


WRONG: list[tuple[Misbehaviour, str, str]] = [
    (answers(401), "source_locked", "does not let us in (HTTP 401)"),
    (answers(403), "source_locked", "does not let us in (HTTP 403)"),
    (answers(404), "source_missing", "There is no file at"),
    (answers(410), "source_missing", "There is no file at"),
    (answers(500), "source_unreachable", "HTTP 500"),
    (answers(503, b"x" * 5_000_000), "source_unreachable", "HTTP 503"),
    (answers(204), "source_unreachable", "HTTP 204"),
    (answers(304), "source_unreachable", "HTTP 304"),
    (answers(200, b"<p>Please sign in</p>", "text/html; charset=utf-8"), "source_locked", "a web page instead of the file"),
    (answers(200, b"\xef\xbb\xbf\n<!DOCTYPE html><title>Login</title>", "text/csv"), "source_locked", "a web page instead of the file"),
    (answers(200, b"\x1f\x8b" + b"\0" * 100, "text/csv", Content_Encoding="gzip"), "source_unreachable", "compressed"),
    (answers(200, b"x" * 1_000_001), "source_too_large", "1 MB"),
    (never_ends, "source_too_large", "1 MB"),
    (breaks_off, "source_unreachable", "broke off"),
    (hangs, "source_unreachable", "does not answer in time"),
    (drips, "source_unreachable", "broke off"),
    (trickles, "source_unreachable", "does not answer in time"),
    (says(b""), "source_unreachable", "cannot be reached"),
    (says(b"nonsense\r\n\r\n"), "source_unreachable", "cannot be reached"),
    (answers(302, Location="/kb/en.csv"), "source_missing", "points on and on"),
    (answers(302, Location="http://127.0.0.2:9/kb/en.csv"), "source_missing", "points to another server, 127.0.0.2"),
    (answers(302, Location="http://127.0.0.1:9/kb/en.csv"), "source_missing", "points to another server"),
    (answers(302, Location="file:///etc/passwd"), "source_missing", "no web address"),
    (answers(302), "source_missing", "points on and on"),
]  # fmt: skip


@pytest.mark.parametrize(("misbehaviour", "code", "words"), WRONG)
def test_whatever_a_server_does_ends_soon_and_in_clear_words(share: Share, misbehaviour: Misbehaviour, code: str, words: str) -> None:
    share.wrong[PLACE] = misbehaviour
    error = refusal(share.url())
    assert (error.code, words in error.message) == (code, True), error.message


def test_a_path_of_the_same_server_may_be_pointed_to(share: Share) -> None:
    share.wrong["/latest"] = answers(302, Location="/kb/../kb/en.csv")
    assert fetch(address_of(share.url("/latest")), SignIn()).content == FACTS


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = refusal(f"http://127.0.0.1:{free.getsockname()[1]}/kb/en.csv")
    assert error.code == "source_unreachable"
    assert "127.0.0.1" in error.message


def test_a_password_opens_what_it_should_and_stands_in_no_message(share: Share) -> None:
    share.password = "hunter2"
    assert fetch(address_of(share.url()), SignIn("desk", "hunter2")).content == FACTS
    error = refusal(f"{share.url()}?token=hunter3", SignIn("desk", "wrong-hunter2"))
    assert error.code == "source_locked"
    assert "hunter" not in str(error)


def test_no_proxy_is_taken_from_the_environment(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch(address_of(share.url()), SignIn()).content == FACTS


def test_a_certificate_counts_only_when_somebody_we_trust_signed_it(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    with web_share(made) as share:
        share.files[PLACE] = FACTS
        error = refusal(share.url())
        assert "certificate" in error.message
        assert "authorities" in error.remedy
        assert fetch(address_of(share.url()), SignIn(authorities=str(made[0]))).content == FACTS


def test_a_server_that_hangs_while_the_line_is_secured_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = refusal(f"https://127.0.0.1:{silent.getsockname()[1]}/en.csv")
    assert "does not answer in time" in error.message


@pytest.mark.parametrize(
    "url", ["", "en.csv", "ftp://a.example/b", "http://", "http://a.example:port/", "http://u:p@a.example/", "http://[x/"]
)
def test_what_is_no_web_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(SourceUnreadable, match="no web address"):
        address_of(url)


def test_a_path_with_letters_of_its_own_is_asked_for_as_the_web_writes_it(share: Share) -> None:
    share.files["/tieto/p%C3%A4iv%C3%A4t.csv"] = FACTS
    assert fetch(address_of(share.url("/tieto/päivät.csv")), SignIn()).content == FACTS

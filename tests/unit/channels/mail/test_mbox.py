"""An mbox has habits, not a grammar: no mail in it is lost, and none is cut in two."""

import io

from hypothesis import given
from hypothesis import strategies as st

from appliance.channels.mail.mbox import many_mails, one_mail

DATED = b"From aino@example.fi Thu Jan  1 12:00:00 2026\n"


def split(data: bytes, start: int = 0, limit: int = 10_000) -> list[bytes]:
    return [piece.raw for piece in many_mails(io.BytesIO(data), start, limit)]


def test_each_mail_between_from_lines_is_one() -> None:
    data = DATED + b"Subject: 1\n\nfirst\n\n" + DATED + b"Subject: 2\n\nsecond\n"
    assert split(data) == [b"Subject: 1\n\nfirst\n", b"Subject: 2\n\nsecond\n"]


def test_quoted_from_lines_get_their_sign_taken_off_once() -> None:
    data = DATED + b"Subject: 1\n\n>From here\n>>From there\n> From quoted\n"
    assert split(data) == [b"Subject: 1\n\nFrom here\n>From there\n> From quoted\n"]


def test_a_paragraph_that_begins_with_from_does_not_cut_a_mail() -> None:
    data = DATED + b"Subject: 1\n\nHello\n\nFrom what I know, all is well.\n"
    assert len(split(data)) == 1


def test_a_file_whose_from_lines_carry_no_date_is_split_all_the_same() -> None:
    assert len(split(b"From aino\nSubject: 1\n\nx\n\nFrom eino\nSubject: 2\n\ny\n")) == 2


def test_a_file_without_from_lines_is_one_mail() -> None:
    assert split(b"Subject: 1\n\nx\n") == [b"Subject: 1\n\nx\n"]


def test_an_empty_file_holds_no_mail() -> None:
    assert split(b"") == []
    assert split(b"\n\n") == []


def test_windows_line_ends_are_understood() -> None:
    data = (DATED + b"Subject: 1\n\nx\n\n" + DATED + b"Subject: 2\n\ny\n").replace(b"\n", b"\r\n")
    assert split(data) == [b"Subject: 1\r\n\r\nx\r\n", b"Subject: 2\r\n\r\ny\r\n"]


def test_reading_goes_on_from_the_place_behind_a_mail() -> None:
    data = b"".join(DATED + b"Subject: %d\n\nx\n\n" % number for number in range(5))
    pieces = list(many_mails(io.BytesIO(data), 0, 1000))
    for number, piece in enumerate(pieces):
        assert split(data, start=piece.end) == [later.raw for later in pieces[number + 1 :]]


def test_a_mail_over_the_limit_is_cut_and_says_so_and_the_next_is_whole() -> None:
    data = DATED + b"Subject: 1\n\n" + b"x" * 60 + b"\n" + b"y" * 60 + b"\n\n" + DATED + b"Subject: 2\n\ny\n"
    big, small = many_mails(io.BytesIO(data), 0, 80)
    assert big.cut
    assert len(big.raw) <= 80
    assert not small.cut


def test_an_eml_file_is_one_mail_once() -> None:
    (piece,) = one_mail(io.BytesIO(b"Subject: 1\n\nx"), 0, 1000)
    assert piece.raw == b"Subject: 1\n\nx"
    assert list(one_mail(io.BytesIO(b"Subject: 1\n\nx"), piece.end, 1000)) == []
    (empty,) = one_mail(io.BytesIO(b""), 0, 1000)
    assert empty.end == 1


@given(st.lists(st.text(alphabet="abcFrom >\n", max_size=60), min_size=1, max_size=6))
def test_what_was_written_by_the_rules_is_read_back_whole(texts: list[str]) -> None:
    data, mails = b"", []
    for text in texts:
        mail = f"Subject: x\n\n{text}".encode().rstrip(b"\n") + b"\n"
        mails.append(mail)
        lines = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in mail.splitlines(keepends=True)]
        data += DATED + b"".join(lines) + b"\n"
    assert split(data) == mails

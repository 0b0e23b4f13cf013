"""Replies from many mail programs keep exactly their writer's words."""

from pathlib import Path

import pytest

from appliance.evals.replies import evaluate, render

DATA = Path(__file__).parents[2] / "data" / "replies"


@pytest.fixture(scope="module")
def kept() -> dict[str, str]:
    return {entry["file"]: entry["text"] for entry in evaluate(DATA)["per_file"]}


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("path", sorted((DATA / "talon").glob("*.eml")), ids=lambda path: path.stem)
def test_every_mail_program_leaves_the_reply_and_no_quote(path: Path, kept: dict[str, str]) -> None:
    if path.stem == "reply-quotations-share-block":
        assert kept[f"talon/{path.name}"].startswith("Hi Katharine.")
        assert "wrote:" not in kept[f"talon/{path.name}"]
    else:
        assert words(kept[f"talon/{path.name}"]) == "Hello"


@pytest.mark.parametrize("path", sorted((DATA / "talon").glob("*.html")), ids=lambda path: path.stem)
def test_every_html_program_leaves_the_reply_and_no_quote(path: Path, kept: dict[str, str]) -> None:
    expected = {"OLK_SRC_BODY_SECTION": "Reply", "reply-separated-by-hr": "Hi there Bob"}.get(path.stem, "Hi. I am fine. Thanks, Alex")
    assert words(kept[f"talon/{path.name}"]) == expected


@pytest.mark.parametrize("path", sorted((DATA / "talon").glob("*_signature")), ids=lambda path: path.stem)
def test_signatures_are_cut_where_the_sender_is_known(path: Path, kept: dict[str, str]) -> None:
    name = path.name.removesuffix("_signature")
    body = path.with_name(f"{name}_body").read_text()
    assert words(kept[f"talon/{name}_body"]) == words(body.strip().removesuffix(path.read_text().strip()))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("correct_sig", "this is an email", "-- signature."),
        ("email_1_1", "Hi folks", "Java HTTP API."),
        ("email_1_2", "Hi,", 'delete them all individually."'),
        ("email_1_3", "Oh thanks.", "would be great."),
        ("email_1_4", "Awesome!", "problem with it."),
        ("email_1_5", "One: Here's", "for a while."),
        ("email_1_7", ":+1:", ":+1:"),
        ("email_1_8", "I will reply", "and under this."),
        ("email_2_1", "Outlook with a reply", "with a reply"),
        ("email_2_2", "Outlook with a reply", "directly above line"),
        ("email_2_3", "Outlook with a reply", "unusual format"),
        ("email_BlackBerry", "Here is", "another email"),
        ("email_bullets", "test 2", "- and another"),
        ("email_gmail", "This is a test", "github message."),
        ("email_headers_no_delimiter", "And another reply!", "And another reply!"),
        ("email_iPhone", "Here is", "another email"),
        ("email_multi_word_sent_from_my_mobile_device", "Here is", "another email"),
        ("email_one_is_not_on", "Thank, this is", "when I run..."),
        ("email_partial_quote_header", "On your remote host", "is not working."),
        ("email_sent_from_my_not_signature", "Here is another", "my mobile phone."),
        ("email_sig_delimiter_in_middle_of_line", "Hi there!", "kthxbai"),
        ("greedy_on", "On your remote host", "is not working."),
        ("pathological", "I think you're", "back to a computer."),
    ],
)
def test_the_cases_of_a_reply_parser_hold(name: str, first: str, last: str, kept: dict[str, str]) -> None:
    text = words(kept[f"zapier/{name}.txt"])
    assert text.startswith(first)
    assert text.endswith(last)
    assert "\n>" not in kept[f"zapier/{name}.txt"]


def test_the_table_shows_the_beginning_of_each_reply() -> None:
    result = evaluate(DATA / "zapier")
    assert result["files"] == 24
    assert "email_iPhone.txt" in render(result)

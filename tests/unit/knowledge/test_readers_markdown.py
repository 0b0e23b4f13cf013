"""Markdown into titled pieces."""

from appliance.knowledge.readers.markdown import read

PAGE = """---
title: not for customers
---
# Delivery

We deliver in **Finland** and *Sweden*.
<!-- a remark -->
Ask [us](mailto:help@example.com) or see [the page](https://example.com/d).

## Times

- Pumps: 3–5 days
- Hoses:
  next day

| Product | Price |
|---------|------:|
| PX-200  | 49 €  |
| PX-300  | 59 €  |

Returns
=======

### Can I return a `pump`?

Yes:

1. Pack it.
2. Send it.

```
# not a heading
```
"""


def test_a_heading_path_titles_what_stands_below_it() -> None:
    found = [(piece.title, piece.text) for piece in read(PAGE).pieces]
    told = "We deliver in Finland and Sweden.\n\nAsk us (help@example.com) or see the page (https://example.com/d)."
    assert found[0] == ("Delivery", told)
    assert found[1] == ("Delivery › Times", "- Pumps: 3–5 days\n- Hoses: next day")


def test_a_tables_rows_are_pieces_with_their_headers_woven_in() -> None:
    rows = [(piece.title, piece.text) for piece in read(PAGE).pieces if "PX" in piece.text]
    assert rows == [
        ("Delivery › Times › PX-200", "Product: PX-200. Price: 49 €."),
        ("Delivery › Times › PX-300", "Product: PX-300. Price: 59 €."),
    ]


def test_an_underlined_heading_starts_a_new_path_and_a_list_stays_with_its_lead() -> None:
    last = read(PAGE).pieces[-1]
    assert last.title == "Returns › Can I return a pump?"
    assert last.text.startswith("Yes:\n\n- Pack it.\n- Send it.")
    assert "# not a heading" in last.text


def test_the_place_is_the_line() -> None:
    assert [piece.place for piece in read("# A\n\none\n\n# B\n\ntwo\n").pieces] == ["line 3", "line 7"]


def test_a_long_section_is_parted_between_paragraphs() -> None:
    pieces = read("# A\n\n" + "\n\n".join(f"{'word ' * 60}{number}." for number in range(5))).pieces
    assert len(pieces) > 1
    assert all(piece.title == "A" and piece.text.rstrip()[-1] == "." for piece in pieces)


def test_a_key_value_table_gives_facts() -> None:
    facts = read("| Key | Value |\n|---|---|\n| opening_hours | 9–17 |\n").pieces
    assert [(piece.key, piece.text) for piece in facts] == [("opening_hours", "9–17")]


def test_underscores_inside_a_word_are_letters() -> None:
    assert read("use opening_hours and other_key, _please_").pieces[0].text == "use opening_hours and other_key, please"

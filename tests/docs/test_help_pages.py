"""The help says the same in three languages, names every command rightly, and has an answer to every error."""

import ast
import re
from pathlib import Path

import click
import pytest

import appliance
from appliance.cli.main import tandem
from appliance.ground.assets import asset
from appliance.records.language import LANGUAGES

HELP = asset("web") / "help"
PAGES = (
    "start",
    "levers",
    "sources",
    "accounts",
    "review",
    "mail",
    "chat",
    "people",
    "desktop",
    "service",
    "pair",
    "update",
    "writers",
    "prompts",
    "models",
    "crm",
    "voice",
    "calls",
    "api-clients",
    "troubles",
)
ROOTS = {"TandemError", "SettingsError", "StoreError", "KnowledgeError", "ChannelError", "EngineError", "MailboxError"}
AT_A_DESK = {"DemoMailError"}  # met only by who makes sample mails, at the keyboard, with its remedy


def page(code: str, name: str) -> str:
    return (HELP / code / f"{name}.md").read_text(encoding="utf-8")


def shape(text: str) -> list[tuple[str, int]]:
    """The headings' levels with the number of list items and command lines below each."""
    sections = re.split(r"^(#+) ", text, flags=re.MULTILINE)[1:]
    return [
        (level, len(re.findall(r"^(?:- |\d\. |tandem )", body, re.MULTILINE)))
        for level, body in zip(sections[::2], sections[1::2], strict=True)
    ]


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_language_has_each_page_with_one_title(code: str) -> None:
    assert {path.stem for path in (HELP / code).glob("*.md")} >= set(PAGES)
    assert all(len(re.findall(r"^# ", page(code, name), re.MULTILINE)) == 1 for name in PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_same_parts_in_all_three_languages(name: str) -> None:
    assert shape(page("fi", name)) == shape(page("en", name))
    assert shape(page("sv", name)) == shape(page("en", name))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_the_same_codes_in_all_three_languages(name: str) -> None:
    codes = {code: set(re.findall(r"`([a-z]+_[a-z_]+|[A-Z]\w+[a-z])`", page(code, name))) for code in LANGUAGES}
    assert codes["fi"] == codes["sv"] == codes["en"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_link_leads_to_a_page(code: str) -> None:
    for name in PAGES:
        assert set(re.findall(r"\]\((\w+)\.md\)", page(code, name))) <= set(PAGES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_command_in_the_help_exists(code: str) -> None:
    for name in PAGES:
        for words in re.findall(r"(?:`|^)tandem ([a-z][a-z -]*)", page(code, name), re.MULTILINE):
            assert _resolves([word for word in words.split() if not word.startswith("-")]), f"{code}/{name}: tandem {words}"


def _resolves(words: list[str]) -> bool:
    """Do the words lead to a command? What follows a command are its arguments."""
    here: click.Command | None = tandem
    context = click.Context(tandem)
    for word in words:
        if not isinstance(here, click.Group):
            return True
        here = here.get_command(context, word)
        if here is None:
            return False
    return not isinstance(here, click.Group) or here.invoke_without_command


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_error_a_person_may_see_has_its_remedy_in_the_help(code: str) -> None:
    text = page(code, "troubles")
    missing = [name for name in errors() if f"`{name}`" not in text]
    assert not missing


def errors() -> set[str]:
    """The classes that end below TandemError, read from the source so that no room has to be importable here."""
    bases: dict[str, set[str]] = {}
    for path in Path(appliance.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(base.id for base in node.bases if isinstance(base, ast.Name))
    found = {"TandemError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found - ROOTS - AT_A_DESK

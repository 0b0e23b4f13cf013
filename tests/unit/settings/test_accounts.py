"""Account records need the sender and the order, and are no knowledge for everybody."""

from pathlib import Path

import pytest

from appliance.settings.problems import SettingsInvalid
from appliance.settings.read import load


def read(home: Path, text: str) -> None:
    (home / "tandem.toml").write_text(text, encoding="utf-8")
    load(home=home, environment={})


@pytest.mark.parametrize(("match", "lacking"), [('["order"]', "email"), ('["email"]', "order")])
def test_neither_the_sender_nor_the_order_alone_opens_a_record(tmp_path: Path, match: str, lacking: str) -> None:
    with pytest.raises(SettingsInvalid, match=rf"accounts\.match.*it lacks {lacking}"):
        read(tmp_path, f"[accounts]\nmatch = {match}\n")


def test_the_account_sheet_cannot_be_a_source_of_knowledge(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="told to everybody"):
        read(tmp_path, '[[knowledge.source]]\npath = "accounts.xlsx"\nlanguage = "en"\n')


def test_the_companys_own_headings_and_the_age_are_read(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text('[accounts]\nstale_days = 30\n[accounts.columns]\nemail = ["Kontakt"]\n', encoding="utf-8")
    accounts = load(home=tmp_path, environment={}).accounts
    assert (accounts.stale_days, accounts.columns.email, accounts.columns.order) == (30, ("Kontakt",), ())

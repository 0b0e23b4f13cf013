"""The policy in force follows its file, and never opens anything by losing it."""

from pathlib import Path

import pytest

from appliance.ground.errors import SettingsError
from appliance.node.policies import LivePolicy
from appliance.settings.read import load

OWN = 'version = 1\n[limits]\nreplies_per_hour = 5\n[[rule]]\nname = "own"\ntier = 0\n[rule.words]\nen = ["strawberries"]\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "policy.toml").write_text(OWN)
    return tmp_path


def live(home: Path) -> LivePolicy:
    return LivePolicy(load(home=home, environment={}))


def looked(policy: LivePolicy) -> bool:
    """Two looks: a file is taken up once it has stayed the same from one to the next."""
    return any([policy.look(), policy.look()])


def test_an_edit_is_taken_up_once_it_has_settled(home: Path) -> None:
    policy = live(home)
    (home / "policy.toml").write_text(OWN.replace("= 5", "= 7"))
    assert policy.look() is False
    assert policy.look() is True
    assert policy().limits.replies_per_hour == 7


@pytest.mark.parametrize("torn", [None, "", "# nothing\n", OWN[30:], 'version = "no"\n'])
def test_a_policy_that_is_gone_empty_or_torn_changes_nothing_and_is_told(home: Path, torn: str | None) -> None:
    policy = live(home)
    (home / "policy.toml").unlink() if torn is None else (home / "policy.toml").write_text(torn)
    assert looked(policy) is False
    assert policy().limits.replies_per_hour == 5
    assert policy().rule("own") is not None
    assert policy.trouble.reason


def test_a_restored_policy_ends_the_trouble(home: Path) -> None:
    policy = live(home)
    (home / "policy.toml").unlink()
    looked(policy)
    (home / "policy.toml").write_text(OWN)
    looked(policy)
    assert policy.trouble.reason == ""


def test_a_node_does_not_start_without_the_policy_that_ruled_before(home: Path) -> None:
    live(home)
    (home / "policy.toml").unlink()
    with pytest.raises(SettingsError, match="is gone"):
        live(home)


def test_a_home_that_never_had_a_policy_starts_with_the_built_in_one(tmp_path: Path) -> None:
    assert live(tmp_path)().rules

"""A model from a hub: whole, compared, gone on with after a break, and never half on the shelf."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.care.models import errors, gathering
from appliance.care.models.hub import Hub
from appliance.care.models.pull import pull
from appliance.engines.errors import ModelMissing
from appliance.engines.shelf import PARTIAL, Shelf
from tests.support.clock import FakeClock
from tests.support.home import wait_for
from tests.support.model_hub import REVISION, ModelHub, serving
from tests.support.models import CARD, FILES, files_with_digests, home_with_card, lying, sha256, wish


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    with serving(ModelHub(dict(FILES))) as hub:
        yield hub


def fetch(home: Path, hub: ModelHub, text: str = CARD, token: str = "") -> None:
    pull(wish(home, text), Hub(hub.url, FakeClock(), token))


def test_a_model_comes_whole_is_compared_with_the_hubs_digests_and_can_be_found(tmp_path: Path, hub: ModelHub) -> None:
    said: list[tuple[str, int, int]] = []
    installed = pull(wish(tmp_path), Hub(hub.url, FakeClock()), lambda *step: said.append(step))
    shelf = Shelf(tmp_path / "models")
    assert lying(shelf.path_of("small")) == FILES
    assert shelf.path_of("maker/model") == shelf.path_of("small")
    assert (installed.source, installed.checked_against, installed.revision, installed.by) == ("hub", "hub", REVISION, "aino")
    assert {file.name: file.sha256 for file in installed.files} == {name: sha256(data) for name, data in FILES.items()}
    total = sum(map(len, FILES.values()))
    assert said[-1][1:] == (total, total)
    assert not list((tmp_path / "models" / PARTIAL).glob("small"))


def test_a_card_with_every_digest_and_a_revision_asks_the_hub_for_no_list(tmp_path: Path, hub: ModelHub) -> None:
    fetch(tmp_path, hub, f'{CARD}revision = "{REVISION}"\n{files_with_digests({k: v for k, v in FILES.items() if v})}')
    assert not [path for path, _ in hub.heard if path.startswith("/api/")]
    record = Shelf(tmp_path / "models").record("small")
    assert record is not None
    assert record.checked_against == "card"


def test_a_line_that_is_cut_is_taken_up_where_it_was(tmp_path: Path, hub: ModelHub) -> None:
    hub.cut_after, hub.cuts = 50_000, 3
    fetch(tmp_path, hub)
    assert lying(tmp_path / "models" / "small") == FILES
    ranges = [asked for name, asked in hub.fetched() if name == "model.safetensors"]
    assert ranges == ["", "bytes=50000-", "bytes=100000-", "bytes=150000-"]


@pytest.mark.parametrize(("ranges", "etag"), [(False, '"one"'), (True, 'W/"weak"'), (True, "")], ids=["no ranges", "weak mark", "no mark"])
def test_a_hub_that_cannot_go_on_is_asked_from_the_beginning(tmp_path: Path, hub: ModelHub, ranges: bool, etag: str) -> None:
    hub.cut_after, hub.cuts, hub.ranges, hub.etag = 50_000, 2, ranges, etag
    fetch(tmp_path, hub)
    assert lying(tmp_path / "models" / "small") == FILES


def test_what_came_before_a_failure_is_kept_and_the_next_pull_goes_on(tmp_path: Path, hub: ModelHub) -> None:
    hub.cut_after, hub.cuts = 0, 99
    with pytest.raises(errors.HubUnreachable, match=r"went away while config\.json came"):
        fetch(tmp_path, hub)
    hub.cut_after, hub.cuts = 60_000, 1
    hub.files["later.bin"] = b"x" * 20_000
    hub.etag = '"one"'
    fetch(tmp_path, hub)
    assert lying(tmp_path / "models" / "small")["model.safetensors"] == FILES["model.safetensors"]


def test_a_file_that_has_changed_on_the_hub_meanwhile_is_begun_anew(tmp_path: Path, hub: ModelHub) -> None:
    card = f'{CARD}revision = "main"\n'
    hub.hold_after, hub.files = 50_000, {**FILES}
    wished = wish(tmp_path, card)
    with gathering.gathering(wished.shelf, wished.card) as place:
        place.begin(f"{hub.url} maker/model {REVISION}")
        part = place.place("model.safetensors").with_name(".model.safetensors.part")
        part.write_bytes(b"old" * 1000)
        part.with_name(f"{part.name}.mark").write_text('"the one before"')
    hub.hold_after = 0
    fetch(tmp_path, hub, card)
    assert lying(tmp_path / "models" / "small") == FILES
    assert ("model.safetensors", "bytes=3000-") in hub.fetched()


def test_a_file_that_is_not_what_its_digest_says_never_comes_to_the_shelf(tmp_path: Path, hub: ModelHub) -> None:
    hub.lies["model.safetensors"] = sha256(b"something else")
    with pytest.raises(errors.ModelDamaged, match=r"model\.safetensors of small is not what it should be"):
        fetch(tmp_path, hub)
    hub.lies.clear()
    hub.files["config.json"] = b'{"model_type": "changed"}'
    with pytest.raises(errors.ModelDamaged, match=r"config\.json"):
        fetch(tmp_path / "another", hub, f"{CARD}{files_with_digests()}")
    for home in (tmp_path, tmp_path / "another"):
        with pytest.raises(ModelMissing, match="is not on this machine"):
            Shelf(home / "models").path_of("small")


def test_a_partial_file_that_was_spoiled_is_thrown_away_and_fetched_whole(tmp_path: Path, hub: ModelHub) -> None:
    wished = wish(tmp_path)
    with gathering.gathering(wished.shelf, wished.card) as place:
        place.begin(f"{hub.url} maker/model {REVISION}")
        part = place.place("model.safetensors").with_name(".model.safetensors.part")
        part.write_bytes(b"\0" * 40_000)
        part.with_name(f"{part.name}.mark").write_text(hub.etag)
    fetch(tmp_path, hub)
    assert lying(tmp_path / "models" / "small") == FILES


def test_what_is_longer_than_the_file_is_thrown_away_and_the_file_begun_anew(tmp_path: Path, hub: ModelHub) -> None:
    card = f'{CARD}[[files]]\nname = "config.json"\n[[files]]\nname = "tokenizer.json"\n[[files]]\nname = "model.safetensors"\n'
    wished = wish(tmp_path, card)
    with gathering.gathering(wished.shelf, wished.card) as place:
        place.begin(f"{hub.url} maker/model {REVISION}")
        part = place.place("config.json").with_name(".config.json.part")
        part.write_bytes(b"x" * 500)
        part.with_name(f"{part.name}.mark").write_text(hub.etag)
    fetch(tmp_path, hub, card)
    assert lying(tmp_path / "models" / "small")["config.json"] == FILES["config.json"]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (404, errors.HubRefused, "has no maker/model at revision main"),
        (403, errors.HubRefused, "to known people only"),
        (418, errors.HubRefused, "answers 418"),
        (503, errors.HubUnreachable, "answers 503"),
        (429, errors.HubUnreachable, "answers 429"),
    ],
)
def test_each_refusal_of_a_hub_is_told_with_what_to_do(
    tmp_path: Path, hub: ModelHub, status: int, error: type[errors.ModelError], words: str
) -> None:
    hub.status = status
    with pytest.raises(error, match=words) as told:
        fetch(tmp_path, hub)
    assert told.value.remedy


def test_without_a_network_the_other_ways_are_named(tmp_path: Path) -> None:
    with pytest.raises(errors.HubUnreachable, match="connection refused") as told:
        pull(wish(tmp_path), Hub("http://127.0.0.1:9", FakeClock()))
    assert "tandem models import" in told.value.remedy
    assert "--from-peer" in told.value.remedy


def test_a_gated_model_comes_with_the_token_which_nobody_else_is_shown(tmp_path: Path, hub: ModelHub) -> None:
    hub.token = "hf_secret"
    with pytest.raises(errors.HubRefused, match="known people only") as told:
        fetch(tmp_path, hub)
    assert "hub_token_file" in told.value.remedy
    with serving(ModelHub(dict(FILES))) as store:
        hub.elsewhere = store.url.replace("127.0.0.1", "localhost")
        fetch(tmp_path, hub, token="hf_secret")
        assert store.fetched()
        assert set(store.tokens) == {""}
    assert lying(tmp_path / "models" / "small") == FILES


def test_a_hub_that_says_something_else_than_a_list_is_told(tmp_path: Path, hub: ModelHub) -> None:
    hub.files = {"../../evil": b"x"}
    with pytest.raises(errors.HubRefused, match="0 files"):
        fetch(tmp_path, hub)
    hub.files = {"a\\b": b"x"}
    with pytest.raises(errors.HubRefused, match="is no list of files"):
        fetch(tmp_path, hub)


def test_nothing_is_fetched_before_the_licence_was_accepted(tmp_path: Path, hub: ModelHub) -> None:
    with pytest.raises(errors.LicenceNotAccepted, match=r"\(MIT\) has not been accepted here\. It stands at https://hub\.example/licence"):
        pull(wish(tmp_path, accepted=False), Hub(hub.url, FakeClock()))
    assert not hub.heard


def test_a_full_disk_is_told_before_anything_is_fetched(tmp_path: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "SPARE_BYTES", 1 << 60)
    with pytest.raises(errors.NoRoomForModel, match="MB are free"):
        fetch(tmp_path, hub)
    assert not hub.fetched()


def test_what_is_no_whole_model_of_its_kind_stays_off_the_shelf(tmp_path: Path, hub: ModelHub) -> None:
    del hub.files["tokenizer.json"]
    with pytest.raises(errors.ModelUnusable, match=r"there is no tokenizer\.json"):
        fetch(tmp_path, hub)


def test_two_programs_do_not_bring_the_same_model_at_once(tmp_path: Path, hub: ModelHub) -> None:
    wished = wish(tmp_path)
    with gathering.gathering(wished.shelf, wished.card), pytest.raises(errors.ModelInUse, match="brought or removed"):
        pull(wished, Hub(hub.url, FakeClock()))


_CHILD = """
import sys
from pathlib import Path
from appliance.care.models.hub import Hub
from appliance.care.models.pull import pull
from appliance.ground.clock import SystemClock
from tests.support.models import wish
pull(wish(Path(sys.argv[1]), clock=SystemClock()), Hub(sys.argv[2], SystemClock()))
"""


def test_a_pull_that_was_killed_in_the_middle_goes_on_from_there(tmp_path: Path, hub: ModelHub) -> None:
    hub.hold_after = 70_000
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path), hub.url], cwd=Path(__file__).parents[3], env={**os.environ})
    part = tmp_path / "models" / PARTIAL / "small" / ".model.safetensors.part"
    try:
        assert hub.held.wait(30)
        wait_for(lambda: part.exists() and part.stat().st_size == 70_000)
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    assert not Shelf(tmp_path / "models").has("small")
    hub.hold_after = 0
    hub.heard.clear()
    fetch(tmp_path, hub)
    assert lying(tmp_path / "models" / "small") == FILES
    assert [asked for name, asked in hub.fetched() if name == "model.safetensors"] == ["bytes=70000-"]


def test_a_newer_pull_takes_the_olders_place_in_one_step(tmp_path: Path, hub: ModelHub) -> None:
    fetch(tmp_path, hub)
    hub.files["config.json"] = b'{"model_type": "newer"}'
    del hub.files["extra/notes.txt"]
    fetch(tmp_path, hub)
    assert lying(tmp_path / "models" / "small") == hub.files
    assert home_with_card(tmp_path).installed().keys() == {"small"}

"""The page of the models and its API: what stands there for whom, and what each button does."""

from collections.abc import Iterator

import httpx
import pytest

from appliance.records.language import LANGUAGES
from tests.unit.panel.conftest import Desk, token_of
from tests.unit.panel.test_words import TABLES

ENGLISH = {"accept-language": "en"}


@pytest.fixture
def admin(desk: Desk) -> Iterator[httpx.Client]:
    with desk.browser("key-of-an-admin", **ENGLISH) as browser:
        yield browser


def press(browser: httpx.Client, way: str, **said: str) -> httpx.Response:
    return browser.post(f"/models/{way}", data={**said, "csrf": token_of(browser.get("/models").text)})


def told(desk: Desk) -> list[str]:
    return [what for _, what in desk.twin.done]


def test_each_model_says_what_it_needs_where_it_stands_and_who_names_it(admin: httpx.Client) -> None:
    page = admin.get("/models").text
    for said in (
        "Qwen3 4B", "writer.model names this model, and it is not here.", "3.5 GB", "(estimated)", "this machine has too little",
        "tandem-appliance[llm]", "accepted by", "model.bin", "Here in part", "tandem models import", "grounded (writing drafts)",
    ):  # fmt: skip
        assert said in page, said
    assert "Damaged" in page


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_speaks_each_language_and_leaves_no_gap(desk: Desk, code: str) -> None:
    with desk.browser("key-of-an-admin", **{"accept-language": code}) as browser:
        page = browser.get("/models").text
    assert TABLES[code]["models.carry"] in page  # type: ignore[index]
    assert TABLES[code]["models.state.damaged"] in page  # type: ignore[index]
    assert "{" not in page.split("<main", 1)[1].split("</main>", 1)[0]


def test_a_model_is_only_brought_with_its_licence_accepted(desk: Desk, admin: httpx.Client) -> None:
    refused = press(admin, "qwen3-4b/pull")
    assert refused.status_code == 409
    assert TABLES["en"]["models.trouble.licence_not_accepted.message"] in refused.text
    assert press(admin, "qwen3-4b/pull", accept="true").headers["location"] == "/models"
    assert told(desk) == ["pull qwen3-4b any"]
    page = admin.get("/models").text
    assert 'value="43"' in page
    assert "1.0 GB / 2.3 GB" in page
    assert 'data-soon="2"' in page


def test_work_that_failed_says_why_in_words_with_the_detail_below(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.work("e5", "pull", state="failed", code="hub_unreachable", message="https://hub.example cannot be reached (refused).")
    page = admin.get("/models").text
    assert TABLES["en"]["models.trouble.hub_unreachable.remedy"] in page
    assert "https://hub.example cannot be reached (refused)." in page


def test_a_model_that_something_needs_goes_only_with_a_tick(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.model_rows["minilm"]["used_by"] = ["embedder.kind"]
    assert press(admin, "minilm/remove").status_code == 409
    assert press(admin, "minilm/remove", sure="true").headers["location"] == "/models"
    assert told(desk) == ["remove minilm True"]
    assert "minilm was removed from this machine." in admin.get("/models").text


def test_files_are_compared_and_a_licence_accepted_at_a_button(desk: Desk, admin: httpx.Client) -> None:
    press(admin, "minilm/verify")
    desk.twin.model_rows["minilm"].update(accepted=None, job=None)
    press(admin, "minilm/accept")
    assert told(desk) == ["verify minilm", "accept minilm"]


def test_whoever_may_not_manage_sees_the_models_and_no_buttons(desk: Desk) -> None:
    with desk.browser("key-of-an-agent", **ENGLISH) as browser:
        page = browser.get("/models").text
        assert "Qwen3 4B" in page
        assert 'action="/models/' not in page
        assert browser.post("/models/e5/pull", data={"csrf": token_of(page)}).status_code == 403
    assert not told(desk)


def test_an_appliance_without_cards_says_what_to_do(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.model_rows = {name: row for name, row in desk.twin.model_rows.items() if row["state"] == "built_in"}
    assert TABLES["en"]["models.empty_what"] in admin.get("/models").text


def test_a_model_that_nobody_knows_is_not_there(admin: httpx.Client) -> None:
    assert press(admin, "nobody/pull", accept="true").status_code == 404


def test_the_api_tells_and_does_the_same(desk: Desk) -> None:
    with desk.client("key-of-an-admin") as program:
        rows = {row["name"]: row for row in program.get("/api/v1/models", params={"peer": "true"}).json()["models"]}
        assert rows["minilm"]["at_peer"] is True
        assert program.get("/api/v1/models/minilm").json()["state"] == "here"
        assert program.get("/api/v1/models/nobody").status_code == 404
        assert program.post("/api/v1/models/qwen3-4b/pull", json={}).status_code == 409
        job = program.post("/api/v1/models/qwen3-4b/pull", json={"accept": True, "source": "hub"}).json()
        assert (job["state"], job["kind"], job["model"]) == ("working", "pull", "qwen3-4b")
        assert program.post("/api/v1/models/minilm/verify").json()["kind"] == "verify"
        assert program.delete("/api/v1/models/minilm").json() == {"model": "minilm", "freed_bytes": 24_000_000}
    with desk.client("key-of-an-agent") as program:
        assert program.delete("/api/v1/models/minilm").status_code == 403

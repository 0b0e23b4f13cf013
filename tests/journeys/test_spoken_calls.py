"""Clips as espeak-ng speaks them, in three languages and four formats, from the door to the answer through the real ear.

The ear is the tests' own tiny one, which knows these sentences and nothing else: this shows that the way is whole, and not how
well an ear hears.
"""

import email.message
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node.node import Node
from appliance.records.case import CaseState
from appliance.records.voice import Caller
from tests.journeys.test_one_call import AINO, body, opened
from tests.support.ears import CLIPS
from tests.support.home import make_home, running_node, sent, settled
from tests.support.sounds import TINY_EAR, VOICE

FACTS = {
    "fi": "| Avain | Arvo |\n|---|---|\n| Kuinka pitkä palautusoikeus on? | Palautusoikeus on 14 päivää. |\n"
    "| Mikä on asiakaspalvelun puhelinnumero? | Asiakaspalvelun puhelinnumero on 08 000 1234. |\n",
    "sv": "| Nyckel | Värde |\n|---|---|\n| Vad kostar leveransen? | Leveransen kostar 6,90 euro. |\n",
    "en": "| Key | Value |\n|---|---|\n| When is the shop in Oulu open? | The shop in Oulu is open Monday to Friday 10-18. |\n",
}
ANSWERS = {
    "fi_return_period.ogg": "14 päivää",
    "fi_phone.m4a": "08 000 1234",
    "sv_delivery_price.flac": "6,90 euro",
    "en_shop_hours.mp3": "Monday to Friday 10-18",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = make_home(tmp_path / "home")
    for code, facts in FACTS.items():
        (home / f"{code}.md").write_text(facts, encoding="utf-8")
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write('[[knowledge.source]]\npath = "sv.md"\nlanguage = "sv"\n')
        file.write(f'[voice]\nenabled = true\nmock = false\nmodel = "{TINY_EAR}"\nthreads = 1\n')
    return home


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


def reply_to(home: Path, address: str) -> email.message.Message:
    return next(mail for mail in sent(home) if address in mail["To"])


def test_what_was_spoken_in_finnish_swedish_and_english_is_heard_and_answered(node: Node, home: Path) -> None:
    cases = {}
    for name in ANSWERS:
        caller = Caller(address=f"{Path(name).stem}@example.fi")
        cases[name] = node.commands.take_clip(AINO, name, (VOICE / name).read_bytes(), caller)["case"]
    for name, case in cases.items():
        row = settled(node, case)
        message = opened(node, case).message
        assert message is not None
        assert (message.text, row.state, row.language) == (CLIPS[name], CaseState.REPLIED, name[:2])
        assert ANSWERS[name] in body(reply_to(home, f"{Path(name).stem}@example.fi"))
        (clip,) = node.commands.clips(case)
        assert clip.first is not None
        assert clip.transcript is not None
        assert clip.transcript.segments[0].ends > clip.transcript.segments[0].starts >= 0
        assert clip.transcript.took_seconds > 0
    told = node.commands.voice()
    assert (told["heard_today"], told["queue"], told["last_error"]) == (4, 0, "")

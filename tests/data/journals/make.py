"""Writes the golden journal of the coming release, with a fixed clock and fixed randomness: the same program writes the same files.

    python -m tests.data.journals.make              into a folder that is named after the version in appliance/__init__.py
    python -m tests.data.journals.make --again      over what an earlier run wrote, as long as that version is not released

The story below makes each kind of event at least once. A new kind of event needs a few lines in it. The journals of versions that are
released are never written anew: they are what those programs wrote, and every later one must come to the same by them.
"""

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from appliance import __version__
from appliance.channels.chat.arrivals import arrival
from appliance.channels.voice.arrivals import arrival as clip_arrival
from appliance.ground import ids
from appliance.records.answer import Decision, Draft, Usage
from appliance.records.call import CallState
from appliance.records.candidate import Weighed
from appliance.records.case import Case
from appliance.records.delivery import DeliveryOutcome
from appliance.records.events import KINDS, DrillBegan, DrillRan, SourceFailed, SourceRefreshed
from appliance.records.message import Address, Attachment, Cursor, Message, Origin
from appliance.records.person import Approval, Role
from appliance.records.policy import Reason
from appliance.records.push import PushOutcome, PushResult
from appliance.records.voice import Caller, Transcript
from appliance.records.work import File
from appliance.store.chats import ChatLimits
from appliance.store.clips import ToHear
from appliance.store.limits import StoreLimits
from appliance.store.mailing import Directory
from appliance.store.people import Profile
from appliance.store.shipment import Shipment
from appliance.store.store import Store
from tests.support import golden
from tests.support.clock import FakeClock
from tests.unit.store.support import OPEN_LEVERS, Desk, message, outcome, teams

SEED = 20_261_120
NOW = 1_800_000_000.0
FIRST, SECOND = "kallio-7m9q", "toolo-2x4p"
DAY = 86_400.0
DIRECTORY = Directory(senders={"support": "support@company.example"}, team=teams, drafts_folder=lambda mailbox: mailbox == "support")
LIMITS = StoreLimits(slots_reserved=40, delivery_attempts=2)


class FixedChance:
    """In the place of ``secrets`` and ``time`` in the one room that asks for randomness: keys and ids come out the same each time."""

    def __init__(self, seed: int, clock: FakeClock) -> None:
        self._random, self._clock = random.Random(seed), clock

    def token_bytes(self, length: int) -> bytes:
        return self._random.randbytes(length)

    def randbits(self, bits: int) -> int:
        return self._random.getrandbits(bits)

    def token_urlsafe(self, length: int) -> str:
        return self._random.randbytes(length).hex()

    def time_ns(self) -> int:
        return int(self._clock.now() * 1e9)


def said(text: str, **fields: Any) -> Transcript:
    """What an ear makes of a clip of two seconds."""
    return Transcript(
        text=text, language="en", confidence=0.9, seconds=2.0, speech_seconds=1.5, took_seconds=0.5, ear="faster_whisper tiny 1", **fields
    )


class Recorder:
    """A replica that keeps what is shipped and confirms everything."""

    def __init__(self) -> None:
        self.shipped: list[Shipment] = []

    def ship(self, shipment: Shipment) -> None:
        self.shipped.append(shipment)

    def confirm(self, position: int) -> None:
        """Nobody is waited for."""


class Story(Desk):
    """What happens in a few weeks at a small company; the clock moves on with each thing."""

    def __init__(self, store: Store, clock: FakeClock, recorder: Recorder) -> None:
        self.store, self.clock, self.recorder, self.uid, self.term = store, clock, recorder, 0, 0

    def tell(self) -> None:
        self.until_words_go()
        self.words_go()

    def until_words_go(self) -> None:
        self.leads(FIRST, "")
        self.store.first_switches(term=self.term, **OPEN_LEVERS)
        self.people_and_keys()
        self.knowledge()
        self.automatic_replies()
        self.tries_that_fail()
        self.a_desk_that_stumbles()
        self.leads(SECOND, "handover")
        self.people_decide()
        self.the_mailbox_itself()
        self.chats()
        self.escalations()
        self.the_crm()
        self.engines_take_their_time()
        self.voice()
        self.drill()
        self.leads(FIRST, "takeover")

    def leads(self, node: str, how: str) -> None:
        self.store.follow()
        self.store.come_to_rest()
        self.term += 1
        self.store.lead(node, self.term, self.recorder, how)

    # The house

    def people_and_keys(self) -> None:
        people, term = self.store.people, self.term
        aino = people.add(Profile(name="Aino Laine", email="aino@company.example", password="$argon2id$test"), Role.ADMIN, "cli", term=term)
        people.add(Profile(name="Oskar Ek", signature="Mvh Oskar"), Role.AGENT, aino.id, term=term)
        people.rewrite(aino.id, aino.id, signature="Terveisin Aino", term=term)
        ends = {"idle": 12 * 3600.0, "longest": 7 * DAY}
        for _ in range(2):
            people.sessions.open(aino.id, aino.id, **ends, term=term)
        self.clock.move(7200)
        one, other = people.sessions.all(aino.id)
        people.sessions.use(one.id, aino.id, idle=12 * 3600.0, term=term)
        people.sessions.end(other.id, aino.id, term=term)
        people.sessions.open(aino.id, aino.id, **ends, term=term)
        people.sessions.end_all(aino.id, "cli", but=one.id, term=term)
        key, _ = self.store.issue_key("reports", Role.VIEWER, aino.id, term=term)
        self.store.issue_key("robot", Role.AGENT, aino.id, term=term)
        self.store.revoke_key(key, aino.id, term=term)

    def knowledge(self) -> None:
        now = self.clock.now()
        read = SourceRefreshed(at=now, by="knowledge", source="en.md", digest="0" * 64, passages=12, added=12)
        self.store.record(read, term=self.term)
        self.store.record(SourceFailed(at=now, by="knowledge", source="fi.md", reason=Reason(code="source_unreadable")), term=self.term)

    # The desk

    def mail(self, name: str, **fields: Any) -> Message:
        self.clock.move(30)
        return message(f"{name}@customer.example", f"{name} asks when you are open", subject=f"A question of {name}", **fields)

    def review(self, name: str, **fields: Any) -> Case:
        """A case in review whose draft lies in the mailbox."""
        self.nothing_waits()
        case = self.answer(self.mail(name, **fields), outcome(Decision.REVIEW))
        assert case.message.sender.address.startswith(name), f"another case than {name}'s was waiting"
        self.finish(self.started())
        return case

    def nothing_waits(self) -> None:
        while (waiting := self.store.claim("desk-1", term=self.term, seconds=60.0)) is not None:
            self.settle(waiting, outcome(Decision.REVIEW))
        while (leaving := self.start()) is not None:
            self.finish(leaving)

    def automatic_replies(self) -> None:
        first = self.mail("maija")
        self.answer(first)
        self.finish(self.started())
        self.take_in(message("maija@customer.example", "And on Sunday?", references=(first.message_id,)))
        self.settle(self.claim(), outcome(Decision.ROUTE, team="billing"))
        self.finish(self.started())
        attached = Attachment(name="a.pdf", media_type="application/pdf", size_bytes=3, kept=True)
        self.take_in(self.mail("antti", attachments=(attached,)), raw=b"From: antti", attachments={0: b"pdf"}, older=True)
        self.settle(self.claim())
        self.receive(self.mail("liisa"))  # nobody told the mailbox of it
        receipts = self.receive(self.mail("liisa2"))
        cursor = Cursor(mailbox="support", folder="INBOX", uid_validity=7, uid=self.uid)
        self.store.acknowledge(receipts, cursor, claimed_elsewhere=(receipts[0].origin,), term=self.term)
        self.settle(self.claim())
        self.overtaken()

    def overtaken(self) -> None:
        """The same words twice, a newer message before the desk came to the first, and one while the reply is leaving."""
        self.nothing_waits()
        first = self.mail("pekka")
        self.take_in(first)
        self.take_in(message("pekka@customer.example", first.text, message_id="<again@customer.example>"))
        self.take_in(message("pekka@customer.example", "Never mind, another thing", references=(first.message_id,)))
        self.nothing_waits()
        second = self.mail("raili")
        self.answer(second)
        leaving = self.next_reply()
        self.take_in(message("raili@customer.example", "And one thing more", references=(second.message_id,)))
        self.finish(leaving, dropped=1)

    def tries_that_fail(self) -> None:
        for name, results in {
            "putoff": (DeliveryOutcome.TRY_AGAIN, DeliveryOutcome.SENT),
            "died": (DeliveryOutcome.REFUSED,),
            "unreached": (DeliveryOutcome.TRY_AGAIN, DeliveryOutcome.SENT),
            "unsure": (DeliveryOutcome.UNCERTAIN,),
            "unsure2": (DeliveryOutcome.UNCERTAIN,),
        }.items():
            self.nothing_waits()
            self.answer(self.mail(name))
            for result in results:
                self.clock.move(3600)
                self.finish(self.next_reply(), result, stage="rcpt", code=450, blameless=name == "unreached")
        for case, decision in zip(self.cases("uncertain"), ("sent", "resend"), strict=False):
            self.store.resolve_uncertain(case, decision, "aino", term=self.term)
        self.clock.move(3600)
        self.store.found(self.next_reply(), True, term=self.term)

    def next_reply(self) -> Any:
        delivery = self.start()
        assert delivery is not None
        return delivery

    def cases(self, state: str) -> Sequence[str]:
        return [row.id for row in self.store.rows() if row.state == state]

    def a_desk_that_stumbles(self) -> None:
        self.nothing_waits()
        self.take_in(self.mail("jussi"))
        for _ in range(LIMITS.claims_per_case):
            case = self.claim()
            self.store.release(case.id, Reason(code="desk_failed", names=("ValueError",)), term=self.term, claim=case.claim)

    # People

    def people_decide(self) -> None:
        work, term = self.store.work, self.term
        case = self.review("approved")
        work.assign(case.id, "aino", "oskar", term=term)
        work.note(case.id, "called them", "aino", term=term)
        files = (File(name="price.pdf", media_type="application/pdf", data=b"pdf"),)
        approval = Approval(
            case=case.id, decision="approve", by="aino", text="Nine to five.", comment="mine", files=files, signature="Aino"
        )
        self.store.decide_review(approval, term=term, undo_seconds=60.0)
        work.undo(case.id, "aino", term=term)
        self.store.decide_review(approval, term=term)
        self.finish(self.next_reply())
        for name, decision in (("rejected", "reject"), ("routed", "route")):
            held = self.review(name)
            self.store.decide_review(Approval(case=held.id, decision=decision, by="aino", team="billing"), term=term)
        rejected = next(row.id for row in self.store.rows() if row.state == "closed")
        work.reopen(rejected, "oskar", term=term)
        for name, on in (("safe_mode", True), ("safe_mode", False)):
            self.store.set_switch(name, on, "aino", term=term)

    def the_mailbox_itself(self) -> None:
        elsewhere = self.store.elsewhere
        case = self.review("answered")
        mail = Message(
            channel="mail", sender=Address(address="support@company.example"), to=(Address(address="answered@customer.example"),),
            in_reply_to=(case.message.message_id,),
        )  # fmt: skip
        elsewhere.answered("support", (mail,), Cursor(mailbox="support", folder="Sent", uid_validity=3, uid=1), term=self.term)
        for gone, lying in enumerate(elsewhere.to_take_out("support")):
            elsewhere.removed(lying, gone=bool(gone % 2), term=self.term)

    def chats(self) -> None:
        chats, term, limits = self.store.chats, self.term, ChatLimits()
        session, _ = chats.open("en", term=term)
        chats.say(arrival(session, "message-1", "When are you open?", "", self.clock.now()), limits, term=term)
        self.settle(self.claim())
        self.finish(self.next_reply())
        chats.say(arrival(session, "message-2", "A person, please", "", self.clock.now()), limits, term=term)
        chats.want_person(session, term=term)
        chats.give_address(session, "chat@customer.example", term=term)
        chats.close(session, "customer", term=term)
        chats.open("fi", term=term)

    def escalations(self) -> None:
        case = self.review("angry")
        self.store.escalations.escalate(case.id, 2, "tier", "policy", term=self.term)
        self.store.escalations.seen(case.id, "aino", term=self.term)
        self.store.escalations.escalate(case.id, 3, "person", "aino", term=self.term)

    def the_crm(self) -> None:
        """Pushes that come through, wait, fail, are taken up again by a person, and are scrubbed; and those of a demonstration."""
        pushes, term = self.store.pushes, self.term
        down = PushResult(outcome=PushOutcome.TRY_AGAIN, response_code=500, reason="server_error", crm_error="E42", blameless=True)
        case, shown = self.review("pushed"), self.review("shown")
        for number in range(8):
            pushes.queue(case.id, f'{{"number":{number}}}'.encode(), "aino", term=term)
            self.push(PushResult(outcome=PushOutcome.SYNCED, response_code=200))
        failed = pushes.queue(case.id, b'{"number":9}', "aino", term=term)
        self.push(PushResult(outcome=PushOutcome.HELD, reason="lever_closed"))
        for _ in range(2):
            self.push(down)
            self.clock.move(3600)
        pushes.retry(failed, "oskar", term=term)
        pushes.queue(case.id, b'{"number":10}', "aino", term=term)
        pushes.queue(shown.id, b'{"demo":true}', "aino", demo=True, term=term)
        pushes.reset_demo(True, "aino", term=term)
        self.push(down)
        pushes.scrub(case.id, "aino", term=term)
        again = self.review("pushed2")
        pushes.queue(again.id, b'{"number":11}', "aino", term=term)
        pushes.reset_demo(False, "aino", term=term)
        pushes.start_next("node", term=term, seconds=45.0)  # nobody hears of this one again

    def push(self, result: PushResult) -> None:
        push = self.store.pushes.start_next("node", term=self.term, seconds=45.0)
        assert push is not None
        self.store.pushes.finish(push, result, 2, term=self.term)

    def engines_take_their_time(self) -> None:
        """A claim that goes on while the writer works, what it used, and what candidates would have made of it."""
        self.nothing_waits()
        self.take_in(self.mail("patient"))
        case = self.claim()
        self.clock.move(40)
        assert self.store.renew_claim(case, term=self.term, seconds=60.0)
        used = Usage(engine="mlx tiny", prompt_tokens=800, cached_tokens=600, completion_tokens=90, seconds=41.5)
        self.settle(case, structs.replace(outcome(Decision.REVIEW), usage=used))
        self.finish(self.started())
        draft = Draft(language="en", subject="Re: A question", text="We open at nine.")
        would_send = Weighed(writer="openai small", prompt="write 2", decision=Decision.SEND, score=0.8, alike=0.5, usage=used, draft=draft)
        failed, looking_still = Weighed(writer="openai small", failure="writer_timeout"), None
        for weighed in (would_send, failed, looking_still):
            number = self.store.candidates.reserve(case.id, "openai small", "review", 0.0, 3, term=self.term)
            if weighed is not None:
                self.store.candidates.answered(number, case.id, weighed, term=self.term)

    def voice(self) -> None:
        """Clips: heard in two stages after an ear that stumbled, heard again for a person, unreadable, and one that is being heard."""
        clips, term = self.store.clips, self.term
        self.nothing_waits()
        case = self.clip("one", Caller(name="Veikko", address="veikko@customer.example"))
        clip = self.listen()
        assert clips.renew(clip, "ear-1", term=term, seconds=60.0)
        clips.heard(clip, said("When are you", final=False), "ear-1", last=False, term=term)
        clips.release(clip, Reason(code="ear_failed", names=("EngineDied",)), term=term)
        self.clock.move(60)
        clips.heard(self.listen(), said("When are you open?"), "ear-1", last=True, term=term)
        self.settle(self.claim(), outcome(Decision.REVIEW))
        clips.hear_again(case, "aino", term=term)
        clips.heard(self.listen(), said("When do you open?"), "ear-1", last=True, term=term)
        self.nothing_waits()
        for draft in ("We open", "We open at nine."):
            self.store.calls.keep(case, CallState(draft=draft, used=("hours",)), "oskar", term=term)
        self.clip("two", Caller(name="Saara", telephone="+358 40 123 4567"))
        clips.give_up(self.listen(), Reason(code="clip_unreadable"), term=term)
        self.clip("three", Caller())
        self.listen()

    def clip(self, sound: str, caller: Caller) -> str:
        self.clock.move(30)
        came = clip_arrival(sound, f"{sound}.wav", f"RIFF....WAVEfmt {sound}".encode(), caller, self.clock.now(), language="en")
        return self.store.clips.take(came, again=False, listens=True, term=self.term).case

    def listen(self) -> ToHear:
        clip = self.store.clips.claim("ear-1", term=self.term, seconds=60.0)
        assert clip is not None
        return clip

    def drill(self) -> None:
        drills, now = self.store.drills, self.clock.now()
        (receipt,) = self.receive(self.mail("drill"), origin=Origin(mailbox="drill", folder="drill-1", name="1"))
        began = DrillBegan(at=now, by="aino", drill="drill-1", what="switch", node=SECOND, taken=(receipt.case,))
        drills.begin(began, closes=("outbound_enabled",), term=self.term)
        self.clock.move(5)
        ran = DrillRan(at=self.clock.now(), by="aino", drill="drill-1", what="switch", ok=True, seconds=1.5, messages=1, node_after=SECOND)
        drills.end(ran, term=self.term)

    # Words go

    def words_go(self) -> None:
        store, term = self.store, self.term
        for gone in ("maija", "veikko"):
            store.erase_customer(f"{gone}@customer.example", "aino", term=term)
        self.receive(self.mail("later"))
        waiting = [(row.id, row.changed_at) for row in store.rows() if row.state in ("waiting", "review")]
        store.replace_waiting(waiting[:2], "INBOX", "cli", term=term)
        ended = [(row.id, row.changed_at) for row in store.rows() if row.state in ("closed", "replied")]
        store.archive(ended[:1], "aino", term=term)
        self.clock.move(40 * DAY)
        store.expire_words(30, "retention", term=term)


def make(folder: Path) -> int:
    """Tell the story into an empty home and write down what it shipped; how many entries."""
    clock = FakeClock(NOW)
    chance = FixedChance(SEED, clock)
    ids.secrets = ids.time = chance  # type: ignore[assignment,attr-defined]
    with tempfile.TemporaryDirectory(prefix="tandem-golden-") as scratch:
        with Store.open(Path(scratch) / "home", clock, directory=DIRECTORY, limits=LIMITS) as store:
            keys = store.replication.keys()
            recorder = Recorder()
            Story(store, clock, recorder).tell()
            assert store.verify(tables=True).ok, store.verify(tables=True).problems
            told = {str(entry.kind) for shipment in recorder.shipped for entry in shipment.entries}
            missing = {str(kind.__struct_config__.tag) for kind in KINDS} - told
            if missing:
                raise SystemExit(f"The story makes no {', '.join(sorted(missing))}: add a few lines to it that do.")
            end = store.replication.end()
            tables = golden.tables(store._readers.connection())
            subjects = {row.id: row.subject for row in store.rows(limit=500)}
            expected = {"position": end.position, "term": end.term, "hash": end.hash.hex(), "tables": tables, "subjects": subjects}
        golden.write(folder, recorder.shipped, keys, expected)
    return end.position


def main(arguments: list[str]) -> None:
    folder = golden.FOLDER / __version__
    if folder.exists() and arguments != ["--again"]:
        raise SystemExit(f"There is a golden journal of {__version__}. As long as that is not released, write it anew with --again.")
    print(f"{make(folder)} entries in {folder.relative_to(golden.FOLDER.parents[2])}")


if __name__ == "__main__":
    main(sys.argv[1:])

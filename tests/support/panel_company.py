"""A believable afternoon in the panel twin: what the screenshots and the browser tests look at."""

import msgspec

from appliance.ground.clock import Clock
from appliance.records.answer import Check, Decision, Draft, DraftSentence, Outcome
from appliance.records.case import CaseState
from appliance.records.knowledge import Citation, Passage, SourceState
from appliance.records.language import Code, Language
from appliance.records.message import Address, Attachment, Message
from appliance.records.person import Actor, Role
from appliance.records.policy import Reason, Tier
from appliance.records.voice import Caller
from tests.support.panel_twin import PanelTwin, a_case
from tests.support.twin_call import a_call

_HOURS = [0, 0, 0, 0, 0, 0, 1, 3, 7, 9, 12, 8, 5, 6, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0]


def passages() -> dict[str, Passage]:
    rows = (
        Passage(
            id="p1",
            source="fi.xlsx",
            language="fi",
            key="palautusoikeus",
            title="Palautusoikeus",
            digest="d1",
            text="Pumpun voi palauttaa 30 päivän kuluessa toimituksesta, kun se on käyttämätön.",
            place="taulukko Tiedot, rivi 12",
        ),
        Passage(
            id="p2",
            source="fi.xlsx",
            language="fi",
            key="palautuskulut",
            title="Palautuskulut",
            digest="d2",
            text="Palautus on maksuton Suomessa. Palautuslomake on tilausvahvistuksen liitteenä.",
            place="taulukko Tiedot, rivi 13",
        ),
        Passage(
            id="p3",
            source="en.xlsx",
            language="en",
            key="opening_hours",
            title="Opening hours",
            digest="d3",
            text="The shop is open Monday to Friday 9-17.",
            place="sheet Facts, row 4",
        ),
    )
    return {row.id: row for row in rows}


def calls(twin: PanelTwin) -> None:
    """Three calls of the afternoon: one open with a mail address, one without any, one that is being heard."""
    anna = Caller(name="Anna Virtanen", address="anna.virtanen@example.fi", telephone="+358 40 123 4567", company="Virtanen Oy")
    said = "Hello, this is Anna Virtanen. What would a heat pump cost us, when can you come, and what is the warranty?"
    twin.add(a_call(21, twin.clock, text=said, caller=anna, minutes=6))
    erik = Caller(name="Erik Lindqvist", telephone="+358 50 765 4321")
    twin.add(a_call(22, twin.clock, text="Please call me back about the delivery of my pump.", caller=erik, minutes=31))
    twin.add(a_call(23, twin.clock, text="", caller=Caller(), state=CaseState.LISTENING, minutes=1))


def finnish_draft() -> Draft:
    sentences = (
        DraftSentence(text="Hei Anna,", courtesy=True),
        DraftSentence(text="Voitte palauttaa käyttämättömän pumpun 30 päivän kuluessa toimituksesta.", passages=("p1",)),
        DraftSentence(text="Palautus on maksuton Suomessa, ja palautuslomake on tilausvahvistuksen liitteenä.", passages=("p2", "p1")),
        DraftSentence(text="Vaihtopumpun hinta on 49 €.", passages=()),
        DraftSentence(text="Ystävällisin terveisin\nPohjolan Pumput", courtesy=True),
    )
    text = "Hei Anna,\n\n" + " ".join(row.text for row in sentences[1:4]) + "\n\n" + sentences[4].text
    citations = (
        Citation(source="fi.xlsx", passage="p1", score=0.93, digest="d1"),
        Citation(source="fi.xlsx", passage="p2", score=0.88, digest="old"),
    )
    return Draft(language="fi", subject="Re: Pumpun palautus", text=text, sentences=sentences, citations=citations, writer="grounded")


def settled(decision: Decision = Decision.REVIEW) -> Outcome:
    checks = (
        Check(name="grounded", passed=False, score=0.75, reason=Reason(code="unsupported_number", numbers={"unknown": 1.0})),
        Check(name="language", passed=True, score=1.0),
        Check(name="private", passed=True, score=1.0),
        Check(name="complete", passed=True, score=1.0),
    )
    return Outcome(
        decision=decision,
        reason=Reason(code="low_score", numbers={"score": 0.62, "least": 0.7}),
        language=Language(code="fi", source="text", confidence=0.97),
        tier=Tier.GROUNDED,
        checks=checks,
        score=0.62,
    )


def company(clock: Clock) -> PanelTwin:
    """The twin with its afternoon: six cases wait, one may have been sent, the rest has ended."""
    twin = PanelTwin(clock=clock, passages=passages())
    _waiting(twin, clock)
    _ended(twin, clock)
    midnight = clock.now() - clock.now() % 86_400 - 2 * 3_600  # in Helsinki's winter
    hours = [
        {"at": midnight + 3_600 * hour, "arrived": n, "answered": n * 6 // 10, "held": n * 3 // 10, "routed": n - n * 6 // 10 - n * 3 // 10}
        for hour, n in enumerate(_HOURS)
    ]
    twin.tally = {"arrived": 57, "answered": 31, "held": 14, "routed": 12, "closed": 3, "dead": 0, "hours": hours}
    twin.dependencies = [
        {"name": name, "connected": True, "reason": "", "remedy": ""}
        for name in ("store", "levers", "knowledge:fi.xlsx", "intake:support", "deliver")
    ]
    twin.source_states = (
        SourceState(name="fi.xlsx", path="knowledge/fi.xlsx", language="fi", passages=212, read_at=clock.now() - 400),
        SourceState(name="sv.xlsx", path="knowledge/sv.xlsx", language="sv", passages=198, read_at=clock.now() - 400),
        SourceState(
            name="en.xlsx",
            path="knowledge/en.xlsx",
            language="en",
            passages=205,
            read_at=clock.now() - 86_400,
            trouble="The sheet Prices has no column named Value.",
            remedy="Name the second column Value and save the file.",
        ),
    )
    return twin


def work_on(twin: PanelTwin) -> None:
    """What people did about the cases that wait: one is taken, one has a note, two are escalated."""
    aino, maria = Actor(name="Aino", role=Role.AGENT), Actor(name="Maria", role=Role.ADMIN)
    first, second, third = (f"c-{number:018d}" for number in (1, 2, 3))
    twin.assign(aino, third, "Aino")
    twin.note(aino, first, "Soitin hänelle: pumppu on yhä paketissa.")
    twin.escalate(maria, second, 2, code="tier")
    twin.escalate(aino, third, 1)
    twin.see_escalation(maria, third)
    twin.editing(aino, third)
    twin.done.clear()


def _waiting(twin: PanelTwin, clock: Clock) -> None:
    question = (
        "Hei,\n\nostin teiltä maalämpöpumpun kaksi viikkoa sitten (tilaus 48211), mutta se osoittautui liian suureksi. "
        "Voinko palauttaa sen, ja maksaako palautus jotain? Paljonko pienempi malli maksaa?\n\nTerveisin\nAnna Virtanen"
    )
    quoted = question + "\n\nKoivukuja 4, Tampere\n\n> 3.11.2026 klo 9.12 Pohjolan Pumput kirjoitti:\n> Tilauksenne on matkalla."
    file = a_case(
        1,
        clock,
        minutes=74,
        subject="Pumpun palautus",
        text=question,
        full_text=quoted,
        draft=finnish_draft(),
        language="fi",
        html="<p>Hei,</p><p>ostin teiltä <b>maalämpöpumpun</b> kaksi viikkoa sitten, mutta se osoittautui liian suureksi.</p>",
    )
    earlier = Message(
        channel="mail",
        sender=Address(name="Pohjolan Pumput", address="support@example.com"),
        subject="Tilaus 48211",
        text="Tilauksenne on matkalla ja saapuu perjantaina.",
        sent_at=clock.now() - 86_400 * 14,
    )
    attached = (Attachment(name="tilausvahvistus.pdf", media_type="application/pdf", size_bytes=184_320, kept=True),)

    message = msgspec.structs.replace(file.message, attachments=attached) if file.message else None
    twin.add(msgspec.structs.replace(file, message=message, outcome=settled(), thread=(earlier,)))
    others: tuple[tuple[int, float, str, str, str, Code], ...] = (
        (2, 52, "Björn Söderström", "Reklamation på faktura 2231", "tier0", "sv"),
        (3, 38, "Mikko Lahtinen", "Milloin huoltomies tulee?", "account_data", "fi"),
        (4, 21, "Sarah Whitfield", "Do you ship the P40 to Åland?", "no_knowledge", "en"),
        (
            5,
            9,
            "Liisa Korhonen",
            "Lisäkysymys: takuu ja varaosat vanhaan pumppumalliin (PP-1998-0042)",
            "earlier_unanswered",
            "fi",
        ),
    )
    for number, minutes, name, subject, reason, language in others:
        twin.add(
            a_case(
                number,
                clock,
                minutes=minutes,
                name=name,
                address=f"{name.split()[0].lower()}@example.com",
                subject=subject,
                reason=reason,
                language=language,
            )
        )
    twin.add(
        a_case(
            6,
            clock,
            minutes=31,
            state=CaseState.UNCERTAIN,
            name="Petri Aalto",
            address="petri.aalto@example.fi",
            subject="Aukioloajat jouluna",
            draft=Draft(language="fi", subject="Re: Aukioloajat jouluna", text="Hei Petri,\n\nolemme avoinna 9–17.\n\nPohjolan Pumput"),
            reason="after_data",
            language="fi",
        )
    )


def _ended(twin: PanelTwin, clock: Clock) -> None:
    for number in range(7, 40):
        state = (CaseState.REPLIED, CaseState.REPLIED, CaseState.ROUTED, CaseState.CLOSED)[number % 4]
        subject = ("Opening hours in December", "Varaosa pumppuun", "Leveranstid?", "Out of office")[number % 4]
        reason = ("answered", "answered", "route_only", "automatic")[number % 4]
        twin.add(a_case(number, clock, state=state, minutes=90 + 37 * number, subject=subject, reason=reason, name=f"Customer {number}"))

"""The sample company and its mails are what they say they are, and so is another company that is put in their place."""

import importlib.util
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from appliance.channels.mail.parse import parse
from appliance.desk.answer import answer
from appliance.desk.desk import Company as DeskCompany
from appliance.desk.desk import Desk
from appliance.engines.judge.rules import RuleJudge
from appliance.engines.writer.grounded import GroundedWriter
from appliance.evals.demo_mail import (
    INDEX,
    DemoMailError,
    Expected,
    index_text,
    main,
    make_mails,
    read_index,
    read_source,
    write_mails,
)
from appliance.evals.mail_clients import CLIENTS
from appliance.ground.assets import asset
from appliance.knowledge.account_rows import read_rows
from appliance.knowledge.accounts import Accounts
from appliance.knowledge.library import Library
from appliance.knowledge.reading import read
from appliance.language import words
from appliance.language.detect import Detector
from appliance.policy.format import load as load_policy
from appliance.records.answer import Decision, Outcome
from appliance.records.case import Case, CaseState
from appliance.records.language import LANGUAGES, Code
from appliance.records.message import MessageKind, Trust
from appliance.records.policy import Switches
from appliance.settings.model import Settings
from appliance.settings.read import load as load_settings
from tests.support.clock import FakeClock

DEMO = asset("demo")
SECOND = Path(__file__).resolve().parent.parent / "support" / "second_company"
COMPANIES = {"demo": DEMO, "second": SECOND}
OPEN = Switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, readable=True)
SHARED = {"payment_methods", "gift_cards", "phone", "opening_hours", "shop_hours", "address_oulu"}
"""What two companies that have nothing else in common both know something about."""

Facts = dict[str, dict[Code, str]]

both = pytest.mark.parametrize("company", COMPANIES.values(), ids=list(COMPANIES))


def facts_of(company: Path) -> Facts:
    """The text of each fact by its key and language."""
    everything = tomllib.loads((company / "facts.toml").read_text(encoding="utf-8"))
    return {
        key: {code: words[code]["text"] for code in LANGUAGES} for topic in everything["topics"] for key, words in everything[topic].items()
    }


def make_knowledge() -> ModuleType:
    return tool("make_knowledge")


def tool(name: str) -> ModuleType:
    """A program that lies beside the sample company."""
    specification = importlib.util.spec_from_file_location(name, DEMO / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


# --- knowledge ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("company", "least"), [(DEMO, 45), (SECOND, 25)], ids=list(COMPANIES))
def test_each_company_knows_enough_in_each_language(company: Path, least: int) -> None:
    facts = facts_of(company)
    assert len(facts) >= least
    assert all(text.strip()[-1] == "." for words in facts.values() for text in words.values())


@both
def test_each_kind_of_source_is_shown_and_each_language_has_one(company: Path) -> None:
    sources = load_settings(company / "tandem.toml", {}).knowledge.source
    assert {source.language for source in sources} == set(LANGUAGES)
    assert {source.path.suffix for source in sources} == {".xlsx", ".csv", ".md"}


@both
def test_the_sources_are_what_the_facts_make_of_them(company: Path) -> None:
    for name, content in make_knowledge().make(company).items():
        lying = (company / "knowledge" / name).read_bytes()
        if name.endswith(".xlsx"):  # another version of the library that writes workbooks may lay them out in other bytes
            assert read(name, lying, "en").pieces == read(name, content, "en").pieces
        else:
            assert lying == content, f"{name}: run packaging/demo/make_knowledge.py {company}"


def test_a_source_is_the_same_bytes_each_time_it_is_made() -> None:
    assert make_knowledge().make(DEMO) == make_knowledge().make(DEMO)


@both
def test_every_fact_is_read_from_its_source_word_for_word(company: Path) -> None:
    facts = facts_of(company)
    for source in load_settings(company / "tandem.toml", {}).knowledge.source:
        reading = read(source.path.name, source.path.read_bytes(), source.language)
        assert reading.notes == ()
        assert [piece.text for piece in reading.pieces] == [words[source.language] for words in facts.values()]
        assert {piece.key for piece in reading.pieces} <= {"", *facts}


@both
def test_no_price_and_no_percentage_differs_between_the_languages(company: Path) -> None:
    for key, texts in facts_of(company).items():
        prices = {code: sorted(n for n in words.numbers(text) if n.endswith((" EUR", " SEK", " %"))) for code, text in texts.items()}
        assert prices["fi"] == prices["sv"] == prices["en"], key


def test_the_swedish_source_is_a_csv_as_offices_write_it() -> None:
    content = (DEMO / "knowledge" / "sv.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfKey;Value;")
    assert "6,90 €".encode() in content


@both
def test_the_company_can_be_started_with_its_own_settings_and_policy(company: Path) -> None:
    settings = load_settings(company / "tandem.toml", {})
    policy = load_policy((company / "policy.toml").read_text(encoding="utf-8"))
    assert settings.policy.automation_enabled
    assert not settings.policy.safe_mode
    assert settings.mailbox[0].folder.inbox
    assert all(set(team.name) == set(LANGUAGES) for team in policy.teams.values())


# --- mails -------------------------------------------------------------------------------------------------------------------


@both
def test_the_mails_are_what_their_source_makes_of_them(company: Path) -> None:
    made = make_mails(read_source(company / "mails.toml"))
    lying = {path.name: path.read_bytes() for path in (company / "mails").glob("*.eml")}
    assert lying == {mail.expected.file: mail.raw for mail in made}, f"run appliance.evals.demo_mail {company}/mails.toml {company}/mails"
    assert read_index(company / "mails" / INDEX) == tuple(mail.expected for mail in made)


def test_the_demo_shows_enough_of_each_kind() -> None:
    index = read_index(DEMO / "mails" / INDEX)
    assert len(index) == 60
    assert Counter(line.category for line in index) == {
        "answerable": 20, "off_topic": 10, "tier0": 10, "unknown": 10, "order_status": 5, "injection": 5,
    }  # fmt: skip
    for category in ("answerable", "off_topic", "tier0", "unknown", "order_status", "injection"):
        assert {line.language for line in index if line.category == category} == set(LANGUAGES), category
    assert sum(len(line.keys) > 1 for line in index) >= 4


def test_the_second_company_has_mails_of_the_same_kinds() -> None:
    index, demo = read_index(SECOND / "mails" / INDEX), read_index(DEMO / "mails" / INDEX)
    assert len(index) >= 30
    assert {line.category for line in index} == {line.category for line in demo}
    assert not {line.subject for line in index if line.category == "answerable"} & {line.subject for line in demo}


@both
def test_every_key_in_the_index_is_a_fact_of_the_company(company: Path) -> None:
    facts = facts_of(company)
    for line in read_index(company / "mails" / INDEX):
        assert bool(line.keys) == (line.outcome == "send" and line.category != "order_status")  # those rest on the account sheet
        assert all(key in facts for keys in line.keys for key in keys.split("|"))


@both
def test_no_mail_asks_in_the_words_of_the_knowledge(company: Path) -> None:
    facts = facts_of(company)
    for specimen in read_source(company / "mails.toml").mail:
        assert not any(words[specimen.language] in specimen.body for words in facts.values()), specimen.id


@both
def test_every_mail_is_read_as_a_message_in_its_language_from_a_sender_it_can_judge(company: Path) -> None:
    settings = load_settings(company / "tandem.toml", {})
    detector = Detector(settings.company.languages[0])
    trusted = settings.mailbox[0].smtp.authserv_id
    specimens = {specimen.id: specimen for specimen in read_source(company / "mails.toml").mail}
    for line in read_index(company / "mails" / INDEX):
        message = parse((company / "mails" / line.file).read_bytes(), authserv_id=trusted)
        specimen = specimens[_id(line)]
        assert (message.kind, message.sender.address, message.subject) == (MessageKind.MESSAGE, line.sender, line.subject)
        assert message.trust is (Trust.PASSED if specimen.dmarc == "pass" else Trust.FAILED)
        assert detector.detect(message.text, "").code == line.language, line.file
        assert bool(message.attachments) == bool(specimen.attachment)


@pytest.mark.parametrize("name", CLIENTS)
def test_each_mail_program_hands_over_the_words_and_none_of_its_own(name: str) -> None:
    source = read_source(DEMO / "mails.toml")
    specimen = next(each for each in source.mail if each.id == "fi-huolto-hinta-ja-vali")
    shaped = msgspec.structs.replace(source, mail=(msgspec.structs.replace(specimen, client=name),))
    message = parse(make_mails(shaped)[0].raw)
    words = " ".join(message.text.split())
    assert "Kuinka usein lämpöpumppu pitäisi huoltaa? Ja mitä huoltokäynti maksaa?" in words
    assert "palautusoikeus" not in words  # it stands in our own mail, which is quoted below
    assert "iPhone" not in words
    assert message.in_reply_to


def _id(line: Expected) -> str:
    return line.file.removesuffix(".eml").partition("-")[2]


# --- what becomes of the mails -----------------------------------------------------------------------------------------------


def desk_of(company: Path) -> tuple[Desk, Settings]:
    """The company's desk as a node would build it, with the writer that needs no model."""
    settings = load_settings(company / "tandem.toml", {})
    library = Library(settings.knowledge.source, company, FakeClock())
    library.refresh()
    desk = Desk(
        company=DeskCompany(name=settings.company.name, languages=settings.company.languages),
        detector=Detector(settings.company.languages[0]),
        policy=load_policy((company / "policy.toml").read_text(encoding="utf-8")),
        library=library,
        writer=GroundedWriter(words),
        judge=RuleJudge(words),
        accounts=accounts_of(settings),
    )
    return desk, settings


def accounts_of(settings: Settings) -> Accounts:
    """The account sheet that lies in the company's folder, if there is one."""
    accounts = Accounts(settings.accounts.path, {}, 0, FakeClock())
    accounts.refresh()
    return accounts


def answered(company: Path) -> list[tuple[Expected, Outcome, set[str]]]:
    """Each mail of the company with what the desk makes of it and the facts that its draft rests on."""
    desk, settings = desk_of(company)
    keys = {text: key for key, texts in facts_of(company).items() for text in texts.values()}
    results = []
    for line in read_index(company / "mails" / INDEX):
        message = parse((company / "mails" / line.file).read_bytes(), authserv_id=settings.mailbox[0].smtp.authserv_id)
        case = Case(id="c-1", channel="mail", mailbox=settings.mailbox[0].id, state=CaseState.CLAIMED, received_at=0.0, message=message)
        outcome = answer(case, desk, OPEN)
        passages = [desk.library.passage(citation.passage) for citation in outcome.citations]
        results.append((line, outcome, {keys[passage.text] for passage in passages if passage is not None}))
    return results


@both
def test_every_mail_comes_to_what_the_index_demands(company: Path) -> None:
    wrong = [
        f"{line.file}: {line.outcome} demanded ({line.why}), {outcome.decision} decided ({outcome.reason.code}, score {outcome.score})"
        for line, outcome, _ in answered(company)
        if (outcome.decision is Decision.SEND if line.outcome == "not-send" else outcome.decision != line.outcome)
    ]
    assert not wrong, "\n".join(wrong)


@both
def test_what_is_sent_rests_on_the_facts_that_were_asked_for_and_on_no_more_than_one_other(company: Path) -> None:
    for line, outcome, cited in answered(company):
        if outcome.decision is Decision.SEND:
            assert all(cited & set(keys.split("|")) for keys in line.keys), f"{line.file} rests on {cited}"
            assert len(cited) <= len(line.keys) + 1, f"{line.file} rests on {cited}"
            assert outcome.language.code == line.language


def test_the_desk_knows_each_company_only_by_its_own_sources() -> None:
    """The mails of one company at the other's desk: nothing is answered that its own knowledge does not hold."""
    desk, _ = desk_of(SECOND)
    for line in read_index(DEMO / "mails" / INDEX):
        message = parse((DEMO / "mails" / line.file).read_bytes())
        case = Case(id="c-1", channel="mail", mailbox="m", state=CaseState.CLAIMED, received_at=0.0, message=message)
        outcome = answer(case, desk, OPEN)
        if outcome.decision is Decision.SEND:  # a shop has payment methods too, whatever it sells
            assert set(line.keys) & SHARED, f"{line.file}: {outcome.draft.text if outcome.draft else ''}"


def test_a_mail_that_would_be_answered_is_held_or_routed_as_soon_as_a_lever_says_so() -> None:
    desk, settings = desk_of(DEMO)
    raw = next((DEMO / "mails").glob("*-fi-lauantai.eml")).read_bytes()
    message = parse(raw, authserv_id=settings.mailbox[0].smtp.authserv_id)
    case = Case(id="c-1", channel="mail", mailbox="support", state=CaseState.CLAIMED, received_at=0.0, message=message)
    assert answer(case, desk, OPEN).decision is Decision.SEND
    assert answer(case, desk, msgspec.structs.replace(OPEN, automation_enabled=False)).decision is Decision.REVIEW
    assert answer(case, desk, msgspec.structs.replace(OPEN, safe_mode=True)).decision is Decision.ROUTE
    assert answer(case, desk, Switches()).decision is Decision.ROUTE


# --- the generator -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_mails() -> None:
    source = read_source(DEMO / "mails.toml")
    assert make_mails(source, 25, seed=7) == make_mails(source, 25, seed=7)
    assert [mail.expected for mail in make_mails(source, 25, seed=7)] != [mail.expected for mail in make_mails(source, 25, seed=8)]


def test_a_thousand_mails_have_a_thousand_senders_message_ids_and_files() -> None:
    mails = make_mails(read_source(DEMO / "mails.toml"), 1000)
    messages = [parse(mail.raw) for mail in mails]
    assert len({message.message_id for message in messages}) == 1000
    assert len({message.sender.address for message in messages}) == 1000
    assert len({mail.expected.file for mail in mails}) == 1000


def test_the_command_writes_the_mails_with_their_index_and_clears_earlier_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.eml").write_text("Subject: old\n\n")
    assert main([str(DEMO / "mails.toml"), str(tmp_path), "--count", "12", "--seed", "3"]) == 0
    index = read_index(tmp_path / INDEX)
    assert sorted(path.name for path in tmp_path.glob("*.eml")) == [line.file for line in index]
    assert len(index) == 12
    assert "12 mails" in capsys.readouterr().out


def test_an_index_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = write_mails(DEMO / "mails.toml", tmp_path, 20)
    assert read_index(tmp_path / INDEX) == written
    assert (tmp_path / INDEX).read_text(encoding="utf-8") == index_text(written)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[company]", "[company", "no source of mails"),
        ('outcome = "send"', 'outcome = "perhaps"', "no source of mails"),
        ('client = "iphone"', 'client = "pigeon"', "no mail program pigeon"),
    ],
)
def test_a_source_that_cannot_be_used_says_why(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = tmp_path / "mails.toml"
    path.write_text((DEMO / "mails.toml").read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DemoMailError, match=named):
        read_source(path)
    assert main([str(path), str(tmp_path)]) == 1


# --- the account sheet -------------------------------------------------------------------------------------------------------


def test_the_account_sheet_is_what_its_source_makes_of_it() -> None:
    made = tool("make_accounts").make(DEMO)
    lying = (DEMO / "accounts.xlsx").read_bytes()
    rows = read_rows("accounts.xlsx", lying, {})
    assert rows == read_rows("accounts.xlsx", made, {})
    assert (len(rows.rows), rows.duplicates, rows.incomplete) == (8, 0, 0)
    assert {"email", "order", "status", "expected"} <= set(rows.columns)


def test_of_the_orders_those_of_a_proven_owner_are_answered_and_a_spoofed_and_a_strangers_question_are_held() -> None:
    orders = {_id(line): outcome for line, outcome, _ in answered(DEMO) if line.category == "order_status"}
    replies = {name: outcome.draft.text for name, outcome in orders.items() if outcome.decision is Decision.SEND and outcome.draft}
    assert set(replies) == {"fi-missa-tilaus", "fi-tilauksen-tila", "sv-var-ar-min-order"}
    assert "Tilauksesi 11495 tila on: lähetetty. Arvioitu toimituspäivä on 20.11.2025." in replies["fi-missa-tilaus"]
    assert "Statusen för din order 10496 är: skickad. Beräknad leveransdag är 2025-11-18." in replies["sv-var-ar-min-order"]
    spoofed, strangers = orders["en-where-is-my-order"], orders["sv-orderstatus"]
    assert (spoofed.reason.code, spoofed.draft) == ("not_trusted_account", None)
    assert (strangers.reason.code, strangers.draft) == ("account_other_customer", None)


def test_a_customer_who_wants_an_order_changed_gets_a_person_also_when_asking_where_it_is() -> None:
    desk, settings = desk_of(DEMO)
    raw = next((DEMO / "mails").glob("*-fi-missa-tilaus.eml")).read_bytes()
    message = parse(raw, authserv_id=settings.mailbox[0].smtp.authserv_id)
    for more in ("Haluan perua tilaukseni.", "Paketti on rikki.", "I want to cancel the order.", "Jag vill ändra min beställning."):
        asking = msgspec.structs.replace(message, text=f"{message.text}\n{more}", full_text=f"{message.text}\n{more}", html="")
        case = Case(id="c-1", channel="mail", mailbox="support", state=CaseState.CLAIMED, received_at=0.0, message=asking)
        outcome = answer(case, desk, OPEN)
        assert (outcome.decision, outcome.rule) == (Decision.ROUTE, "order_change"), more

"""Why a case stands where it stands, for a person: whole sentences in their language, from what the journal kept."""

from collections.abc import Iterator
from datetime import UTC, datetime

from appliance.desk.compose import FAILURES
from appliance.desk.deliveries import remarks
from appliance.desk.reasons import sentence
from appliance.records.answer import Check, Decision, Outcome
from appliance.records.case import CaseFile
from appliance.records.language import Code
from appliance.records.policy import Reason, Tier

_WORDS: dict[Code, dict[str, str]] = {
    "en": {
        "send": "Decision: answered automatically.",
        "review": "Decision: held for a person.",
        "route": "Decision: given to a team.",
        "close": "Decision: closed, there is nothing to answer.",
        "undecided": "Not decided yet.",
        "erased": "The customer's words were erased; numbers and decisions stay.",
        "removed": "The words were removed on {day}, when their {days}-day keeping time was over; numbers and decisions stay.",
        "archived": "The words were removed on {day}, when the queue was archived; numbers and decisions stay.",
        "because": "Because: {reason}",
        "also": "Also: {reason}",
        "language": "Language: {language}, known by {source}, confidence {confidence}.",
        "no_language": "Language: not known.",
        "tier": "Tier {tier}: {tier_words}.",
        "rule": "Decided by the rule {rule}.",
        "team": "Team: {team}.",
        "check": "Check {name}: {verdict} ({score}).",
        "passed": "passed",
        "failed": "failed",
        "no_score": "no score",
        "score": "Score of the reply: {score}.",
        "citation": "Rests on {source}, passage {passage} (score {score}).",
        "missing": "Missing facts: {keys}.",
        "versions": "Decided with policy {policy}, knowledge {knowledge}, writer {writer}, lexicons {lexicons}, thresholds {thresholds}.",
        "times": "Time: {times}.",
    },
    "fi": {
        "send": "Päätös: vastattu automaattisesti.",
        "review": "Päätös: odottaa ihmistä.",
        "route": "Päätös: annettu tiimille.",
        "close": "Päätös: suljettu, ei vastattavaa.",
        "undecided": "Ei vielä päätetty.",
        "erased": "Asiakkaan sanat on poistettu; luvut ja päätökset säilyvät.",
        "removed": "Sanat poistettiin {day} {days} päivän säilytysajan päätyttyä; luvut ja päätökset säilyvät.",
        "archived": "Sanat poistettiin {day}, kun jono arkistoitiin; luvut ja päätökset säilyvät.",
        "because": "Syy: {reason}",
        "also": "Lisäksi: {reason}",
        "language": "Kieli: {language}, peruste {source}, varmuus {confidence}.",
        "no_language": "Kieli: ei tiedossa.",
        "tier": "Taso {tier}: {tier_words}.",
        "rule": "Ratkaiseva sääntö: {rule}.",
        "team": "Tiimi: {team}.",
        "check": "Tarkistus {name}: {verdict} ({score}).",
        "passed": "kunnossa",
        "failed": "hylätty",
        "no_score": "ei pisteitä",
        "score": "Vastauksen pisteet: {score}.",
        "citation": "Perustuu lähteeseen {source}, kohta {passage} (pisteet {score}).",
        "missing": "Puuttuvat tiedot: {keys}.",
        "versions": "Päätetty: käytäntö {policy}, tiedot {knowledge}, kirjoittaja {writer}, sanastot {lexicons}, raja-arvot {thresholds}.",
        "times": "Aika: {times}.",
    },
    "sv": {
        "send": "Beslut: besvarat automatiskt.",
        "review": "Beslut: väntar på en människa.",
        "route": "Beslut: överlämnat till ett team.",
        "close": "Beslut: avslutat, inget att besvara.",
        "undecided": "Inte avgjort ännu.",
        "erased": "Kundens ord har raderats; tal och beslut finns kvar.",
        "removed": "Orden togs bort {day} efter {days} dygns lagringstid; tal och beslut finns kvar.",
        "archived": "Orden togs bort {day}, när kön arkiverades; tal och beslut finns kvar.",
        "because": "Orsak: {reason}",
        "also": "Dessutom: {reason}",
        "language": "Språk: {language}, känt genom {source}, säkerhet {confidence}.",
        "no_language": "Språk: okänt.",
        "tier": "Nivå {tier}: {tier_words}.",
        "rule": "Avgörande regel: {rule}.",
        "team": "Team: {team}.",
        "check": "Kontroll {name}: {verdict} ({score}).",
        "passed": "godkänd",
        "failed": "underkänd",
        "no_score": "ingen poäng",
        "score": "Svarets poäng: {score}.",
        "citation": "Bygger på {source}, ställe {passage} (poäng {score}).",
        "missing": "Uppgifter som saknas: {keys}.",
        "versions": "Avgjort med policy {policy}, kunskap {knowledge}, skribent {writer}, ordlistor {lexicons}, gränser {thresholds}.",
        "times": "Tid: {times}.",
    },
}

_TIERS: dict[Code, dict[Tier, str]] = {
    "en": {
        Tier.NEVER: "never automated",
        Tier.ROUTE: "goes to a team",
        Tier.TEMPLATE: "an approved template or the customer's own records",
        Tier.GROUNDED: "an answer from cited knowledge",
    },
    "fi": {
        Tier.NEVER: "ei koskaan automatisoida",
        Tier.ROUTE: "menee tiimille",
        Tier.TEMPLATE: "hyväksytty vastauspohja tai asiakkaan omat tiedot",
        Tier.GROUNDED: "vastaus viitatuista tiedoista",
    },
    "sv": {
        Tier.NEVER: "automatiseras aldrig",
        Tier.ROUTE: "går till ett team",
        Tier.TEMPLATE: "en godkänd mall eller kundens egna uppgifter",
        Tier.GROUNDED: "ett svar ur citerad kunskap",
    },
}


def explain(file: CaseFile, language: Code) -> list[str]:
    """One sentence a line, the decision first, and last what became of it on the way out."""
    words = _WORDS[language]
    lines = [words_gone(file, language)] if file.erased else []
    if file.outcome is None:
        return [*lines, words["undecided"], *_row_reason(file, language)]
    return [*lines, *_of(file.outcome, language), *(sentence(remark, language) for remark in remarks(file.lines))]


def words_gone(file: CaseFile, language: Code) -> str:
    """Of a case without words: when they went, and why."""
    at = file.row.words_removed_at
    code = "erased" if not at else "removed" if file.kept_days else "archived"
    return _WORDS[language][code].format(day=_day(at, language), days=file.kept_days)


def _day(at: float, language: Code) -> str:
    """A day in UTC as it is written in the language."""
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day}.{day.month}.{day.year}" if language == "fi" else f"{day:%Y-%m-%d}"


def _row_reason(file: CaseFile, language: Code) -> list[str]:
    return [sentence(Reason(code=file.row.reason), language)] if file.row.reason else []


def _of(outcome: Outcome, language: Code) -> Iterator[str]:
    words = _WORDS[language]
    yield words[str(outcome.decision)]
    yield words["because"].format(reason=sentence(outcome.reason, language))
    for reason in dict.fromkeys(sentence(stage, language) for stage in outcome.stages if stage != outcome.reason):
        yield words["also"].format(reason=reason)
    if outcome.decision is Decision.CLOSE:
        return
    yield _language(outcome, language)
    yield words["tier"].format(tier=int(outcome.tier), tier_words=_TIERS[language][outcome.tier])
    if outcome.rule:
        yield words["rule"].format(rule=outcome.rule)
    if outcome.team and outcome.decision is not Decision.SEND:
        yield words["team"].format(team=outcome.team)
    for check in outcome.checks:
        yield _check(check, language)
    if outcome.score is not None:
        yield words["score"].format(score=_two(outcome.score, language))
    for citation in outcome.citations:
        yield words["citation"].format(source=citation.source, passage=citation.passage, score=_two(citation.score, language))
    if outcome.missing_keys:
        yield words["missing"].format(keys=", ".join(outcome.missing_keys))
    yield words["versions"].format(
        policy=outcome.versions.policy,
        knowledge=outcome.versions.knowledge,
        writer=outcome.versions.writer,
        lexicons=outcome.versions.lexicons,
        thresholds=outcome.versions.thresholds,
    )
    if outcome.usage.cause:
        yield sentence(Reason(code="fell_back", names=(outcome.usage.engine,)), language)
        yield sentence(Reason(code=FAILURES.get(outcome.usage.cause, "writer_failed")), language)
    if outcome.milliseconds:
        yield words["times"].format(times=", ".join(f"{name} {_two(value, language)} ms" for name, value in outcome.milliseconds.items()))


def _language(outcome: Outcome, language: Code) -> str:
    found = outcome.language
    if not found.code:
        return _WORDS[language]["no_language"]
    return _WORDS[language]["language"].format(language=found.code, source=found.source, confidence=_two(found.confidence, language))


def _check(check: Check, language: Code) -> str:
    words = _WORDS[language]
    score = words["no_score"] if check.score is None else _two(check.score, language)
    line = words["check"].format(name=check.name, verdict=words["passed" if check.passed else "failed"], score=score)
    return f"{line} {sentence(check.reason, language)}" if check.reason is not None else line


def _two(value: float, language: Code) -> str:
    return f"{value:.2f}" if language == "en" else f"{value:.2f}".replace(".", ",")

"""``policy.toml`` becomes a :class:`Policy`, or an error that says which key, why and what to do.

The built-in Tier 0 rules of ``models/policy/default.toml`` hold whether a company's own file repeats them or not: a file adds
to them or gives them another team. Only ``[tier0] leave_out`` takes one away, and it must name it.
"""

import tomllib
from functools import lru_cache
from hashlib import sha256

import msgspec

from appliance.ground.assets import asset
from appliance.policy import accounts, escalation, lexicon, roles
from appliance.policy.accounts import AccountPolicy
from appliance.policy.checked import Table, nearest
from appliance.policy.errors import PolicyError
from appliance.policy.model import Limits, Policy, Rule, Team, Template, Thresholds
from appliance.policy.terms import BadTerm, Matcher, TopicWords
from appliance.records.language import LANGUAGES
from appliance.records.person import Role
from appliance.records.policy import Tier

CHECKS: dict[str, float] = {
    "relevant": 0.5,
    "answered": 1.0,
    "grounded": 1.0,
    "complete": 1.0,
    "agreement": 1.0,
    "private": 1.0,
    "language": 1.0,
    "courtesy": 1.0,
    "plain": 1.0,
    "length": 1.0,
}
"""The checks of a reply by name, each with the weight its score has when a policy says nothing else."""


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """The policy of a fresh machine."""
    return load(_default_text(), "default.toml")


@lru_cache(maxsize=1)
def _default_text() -> str:
    return (asset("models") / "policy" / "default.toml").read_text(encoding="utf-8")


def load(text: str, name: str = "policy.toml") -> Policy:
    """Check the text of a policy file and make it ready. Raises :class:`PolicyError`; ``name`` stands in its message."""
    top = _parse(text, name)
    default = top if text == _default_text() else _parse(_default_text(), "default.toml")
    teams = _teams(top) or _teams(default)
    account_policy = accounts.read(top)
    templates = _templates(top, account_policy)
    left_out = _left_out(top)
    rules = _with_built_in(_rules(top, teams, templates), _rules(default, _teams(default), {}), left_out, teams)
    thresholds, weights = _thresholds(top)
    limits = _limits(top)
    levers = _levers(top)
    default_team = _default_team(top, teams)
    criteria = escalation.read(top, default)
    top.done()
    version = _digest(text, lexicon.digest(), "" if default is top else _default_text())
    return Policy(
        rules=tuple(rule for rule, _ in rules),
        teams=teams,
        templates=templates,
        thresholds=thresholds,
        weights=weights,
        limits=limits,
        levers=levers,
        default_team=default_team,
        version=version,
        lexicons=lexicon.digest(),
        thresholds_version=_digest(msgspec.json.encode([thresholds, weights, limits]).decode()),
        matcher=Matcher((rule.name, words) for rule, words in rules),
        accounts=account_policy,
        escalation=criteria,
    )


def _parse(text: str, name: str) -> Table:
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # no TOML, a number without end, or nested without end
        raise PolicyError(name, "", f"this is not TOML: {error}", "Correct the line that is named.") from error
    top = Table(name, "", values)
    version = top.whole("version", 1, 0, 1_000_000)
    if version != 1:
        raise top.wrong("version", f"version {version} is not known to this program", "Write version = 1.")
    return top


def _teams(top: Table) -> dict[str, Team]:
    table = top.table("teams")
    teams = {}
    for key in table.names():
        entry = table.table(key)
        address = entry.text("address", "")
        if address and "@" not in address:
            raise entry.wrong("address", f"'{address}' is not a mail address", 'Write an address, or "" for none.')
        teams[key] = Team(id=key, name=entry.per_language("name"), address=address, purpose=entry.per_language("for"))
        entry.done()
    return teams


def _templates(top: Table, account_policy: AccountPolicy) -> dict[str, Template]:
    templates = {}
    for entry in top.tables("template"):
        name, text = entry.text("name"), entry.per_language("text")
        approved_by, approved_on = entry.text("approved_by", ""), entry.text("approved_on", "")
        if not approved_by or not approved_on:
            raise entry.wrong("approved_by", "a template needs the person and the day of its approval", "Add approved_by and approved_on.")
        if not text:
            raise entry.wrong("text", "a template needs a text in at least one language", 'Add text.en = "...".')
        if name in templates:
            raise entry.wrong("name", f"there are two templates '{name}'", "Give one of them another name.")
        needs_account = accounts.check_texts(entry, text, account_policy)
        templates[name] = Template(name=name, approved_by=approved_by, approved_on=approved_on, text=text, needs_account=needs_account)
        entry.done()
    return templates


def _left_out(top: Table) -> tuple[str, ...]:
    table = top.table("tier0")
    names = tuple(table.strings("leave_out"))
    built_in = [entry.text("name") for entry in _parse(_default_text(), "default.toml").tables("rule")]
    for name in names:
        if name not in built_in:
            near = nearest(name, built_in)
            raise table.wrong("leave_out", f"there is no built-in rule '{name}'", f"Did you mean '{near}'?" if near else "Remove it.")
    table.done()
    return names


Rules = list[tuple[Rule, TopicWords]]


def _rules(top: Table, teams: dict[str, Team], templates: dict[str, Template]) -> Rules:
    rules: Rules = []
    for entry in top.tables("rule"):
        rule = _rule(entry, teams, templates)
        if any(rule.name == other.name for other, _ in rules):
            raise entry.wrong("name", f"there are two rules '{rule.name}'", "Give one of them another name.")
        rules.append((rule, _topic(entry)))
        entry.done()
    return rules


def _rule(entry: Table, teams: dict[str, Team], templates: dict[str, Template]) -> Rule:
    tier = Tier(entry.whole("tier", 3, 0, 3))
    team = entry.choice("team", ("", *teams), "")
    template = entry.choice("template", ("", *templates), "")
    needs_account = entry.flag("needs_account", False)
    if tier is Tier.TEMPLATE and not template and not needs_account:
        raise entry.wrong("template", "a Tier 2 rule answers with an approved template", "Name one, or use tier = 1 or 3.")
    if template and tier is not Tier.TEMPLATE:
        raise entry.wrong("template", f"a Tier {tier} rule has no template", "Remove it, or write tier = 2.")
    if template and templates[template].needs_account and not needs_account:
        raise entry.wrong("needs_account", "its template shows account fields", "Write needs_account = true.")
    if template and needs_account and not templates[template].needs_account:
        raise entry.wrong("needs_account", "its template shows no account field", "Remove it, or show one, such as {account.status}.")
    return Rule(name=entry.text("name"), tier=tier, team=team, template=template, needs_account=needs_account)


def _topic(entry: Table) -> TopicWords:
    parts = [lexicon.topic(name) for name in entry.strings("lexicons")]
    for code in LANGUAGES:
        lists = {key: entry.table(key).strings(code) for key in lexicon.KEYS}
        parts.append(lexicon.from_table(lists))
    for key in lexicon.KEYS:
        table = entry.table(key)
        for code in LANGUAGES:
            table.has(code)
        table.done()
    words = lexicon.merge(tuple(parts))
    if not (words.phrases or words.together or words.patterns):
        raise entry.wrong("words", "a rule without words matches nothing", "Add lexicons, words, phrases or patterns.")
    try:
        Matcher([("", words)])
    except BadTerm as error:
        raise entry.wrong("words", str(error), "Write it as the comments of the default policy show.") from error
    return words


def _with_built_in(own: Rules, built_in: Rules, left_out: tuple[str, ...], teams: dict[str, Team]) -> Rules:
    """Own rules and the built-in Tier 0 ones. An own rule of the same name adds its words; its tier stays 0."""
    named = {rule.name: (rule, words) for rule, words in own}
    together: Rules = []
    for rule, words in built_in:
        if rule.tier is not Tier.NEVER or rule.name in left_out:
            continue
        mine, more = named.pop(rule.name, (rule, TopicWords()))
        team = mine.team if mine.team in teams else ""
        together.append((msgspec.structs.replace(rule, team=team), lexicon.merge((words, more))))
    return together + [pair for pair in own if pair[0].name in named]


def _thresholds(top: Table) -> tuple[Thresholds, dict[str, float]]:
    table, default = top.table("thresholds"), Thresholds()
    values = {key: table.number(key, getattr(default, key), 0.0, 1.0) for key in Thresholds.__struct_fields__}
    weights_table = table.table("weights")
    weights = {name: weights_table.number(name, weight, 0.0, 1.0) for name, weight in CHECKS.items()}
    weights_table.done()
    table.done()
    return Thresholds(**values), weights


_LIMIT_RANGES: dict[str, tuple[int, int]] = {
    "replies_per_sender_per_day": (0, 50),
    "replies_per_hour": (0, 100_000),
    "attempts": (1, 50),
    "question_characters": (200, 20_000),
    "question_parts": (1, 20),
    "reply_characters": (200, 20_000),
    "passages_per_part": (1, 50),
    "chat_replies_per_session_per_day": (0, 1_000),
    "chat_replies_per_hour": (0, 100_000),
}


def _limits(top: Table) -> Limits:
    table, default = top.table("limits"), Limits()
    limits = Limits(**{key: table.whole(key, getattr(default, key), low, high) for key, (low, high) in _LIMIT_RANGES.items()})
    table.done()
    return limits


def _levers(top: Table) -> dict[str, Role]:
    """Which role a lever needs at least, by action: ``open_safe_mode = "admin"``. Never lower than the built-in table."""
    table = top.table("levers")
    names = {role.name.lower(): role for role in Role}
    levers = {}
    for action, least in roles.ACTIONS.items():
        if action.startswith(("open_", "close_")) and table.has(action):
            role = names[table.choice(action, names)]
            if role < least:
                raise table.wrong(action, f"{role.name.lower()} is less than this lever needs", f'Write "{least.name.lower()}" or higher.')
            levers[action] = role
    table.done()
    return levers


def _default_team(top: Table, teams: dict[str, Team]) -> str:
    first = next(iter(teams), "")
    return top.choice("default_team", tuple(teams) or ("",), first)


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:16]

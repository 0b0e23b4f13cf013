"""Planted names, numbers, words and secrets never turn up in diagnostics, metrics, health, status, the logs or the pipeline log (N15)."""

import base64
import email.message
import json
import quopri
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
import pytest

from appliance.records.case import CaseRow, CaseState
from appliance.records.person import Actor, Approval, Role
from tests.journeys.test_features_daemon import OWNER, Daemon, free_port
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.smtp_faults import FaultySmtp
from tests.support import accounts
from tests.support.canaries import found, unpacked
from tests.support.home import wait_for

AGENT = Actor(name="aino", role=Role.AGENT)
WORDS = {
    "name": "Zebulonia Quixwörth",
    "address": "zebulonia.quixworth@canary-mail.example",
    "phone": "+358 40 7731992",
    "identity": "131052-308T",
    "order": "ZQ-88421",
    "subject": "Subjectwomble",
    "body": "Bodyflummox",
    "attachment": "Attachmentgrobble",
    "attached": "Contentsnorkel",
    "account": "Accountsprocket",
    "knowledge": "Knowledgeplonk",
    "phrase": "phrasecrumpet",
    "macro": "Macrojabber",
    "signature": "Signaturequibble",
    "company": "Companybandersnatch",
    "draft": "Draftglimmer",
    "comment": "Commentsplodge",
    "note": "Notewibbler",
    "chat": "Chatsnarfle",
    "chat_name": "Visitorflapdoodle",
    "person": "Personthrumble Nyqvist",
    "person_address": "personthrumble@staff-canary.example",
    "person_password": "Gallimaufry-47-staff",
    "guessed": "Guesserkerfuffle",
    "user": "usercanaryblip",
    "password": "passwordzonkle77",
    "sender": "sendercanary@own-canary.example",
    "team": "teamcanary@own-canary.example",
    "host": "hostcanary.example",
    "refusal": "Refusalgubbins",
}

SETTINGS = """
[company]
name = "{company}"
signature = "{signature}"
[[mailbox]]
id = "support"
sender = "{sender}"
[mailbox.imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
user = "{works}"
password_file = "secret"
poll_seconds = 1
[mailbox.smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
copy_to_self = false
authserv_id = "{host}"
[[mailbox]]
id = "billing"
sender = "{sender}"
[mailbox.imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
user = "{user}"
password_file = "wrong"
poll_seconds = 1
[[knowledge.source]]
path = "en.md"
language = "en"
[accounts]
path = "accounts.csv"
[policy]
safe_mode = false
automation_enabled = false
[review]
undo_seconds = 0
[log]
level = "debug"
pipeline_path = "pipeline.jsonl"
"""


def make_home(home: Path, dovecot: Dovecot, smtp: FaultySmtp, works: str) -> Path:
    home.mkdir(mode=0o700)
    for name, secret in (("secret", "secret"), ("wrong", WORDS["password"])):
        (home / name).write_text(secret)
        (home / name).chmod(0o600)
    text = SETTINGS.format(imap_port=dovecot.imap_port, smtp_port=smtp.port, works=works, **WORDS)
    (home / "tandem.toml").write_text(text, encoding="utf-8")
    team = f'[teams.orders]\nname = {{ en = "Orders" }}\naddress = "{WORDS["team"]}"\n'
    (home / "policy.toml").write_text(accounts.POLICY.replace("has it been", WORDS["phrase"]) + team, encoding="utf-8")
    facts = f"| Key | Value |\n|---|---|\n| Opening hours | {WORDS['knowledge']}: our opening hours are Monday to Friday 9-17. |\n"
    (home / "en.md").write_text(facts, encoding="utf-8")
    rows = (("order", "email", "status", "expected", "note"), (WORDS["order"], WORDS["address"], "shipped", "sometime", WORDS["account"]))
    (home / "accounts.csv").write_bytes(accounts.csv(rows))
    macro = f'[[macro]]\nname = "{WORDS["macro"]}"\ntext.en = "{WORDS["macro"]}"\nbroken = \n'
    (home / "macros.toml").write_text(macro, encoding="utf-8")
    return home


def canary_mail() -> bytes:
    mail = email.message.EmailMessage()
    mail["From"] = f'"{WORDS["name"]}" <{WORDS["address"]}>'
    mail["To"] = WORDS["sender"]
    mail["Subject"] = f"{WORDS['subject']} {WORDS['order']}"
    mail["Message-ID"] = f"<{WORDS['body'].lower()}@canary-mail.example>"
    mail.set_content(
        f"What are your opening hours? {WORDS['body']}, order {WORDS['order']}. Call {WORDS['phone']}. My code is {WORDS['identity']}."
    )
    mail.add_attachment(WORDS["attached"].encode(), maintype="application", subtype="pdf", filename=f"{WORDS['attachment']}.pdf")
    return mail.as_bytes()


@pytest.fixture
def daemon(tmp_path: Path, dovecot: Dovecot, user: str, faulty: FaultySmtp) -> Iterator[Daemon]:
    refusal = f"550 5.1.1 <{WORDS['address']}> {WORDS['refusal']} {WORDS['name']} unknown".encode().decode("latin-1")
    faulty.plan("rcpt", *[refusal] * 20)
    daemon = Daemon(make_home(tmp_path / "home", dovecot, faulty, user), TANDEM_PANEL__CHAT_PORT=str(free_port()))
    try:
        dovecot.deliver(user, canary_mail())
        exercise(daemon)
        yield daemon
    finally:
        daemon.stop()


def exercise(daemon: Daemon) -> None:
    """A day with errors in it: every word is used, and as much as possible goes wrong."""
    commands = daemon.commands
    wait_for(lambda: bool(cases(daemon, "mail")))
    case = cases(daemon, "mail")[0].id
    commands.note(AGENT, case, WORDS["note"])
    commands.add_person(OWNER, WORDS["person"], 2, WORDS["person_password"], WORDS["person_address"])
    fail_to_sign_in(daemon.port)
    commands.decide(
        AGENT, Approval(case=case, decision="approve", by="aino", text=f"Hello {WORDS['name']}, {WORDS['draft']}", comment=WORDS["comment"])
    )
    say_in_chat(int(daemon.environment["TANDEM_PANEL__CHAT_PORT"]))
    wait_for(lambda: any(row["name"] == "intake:billing" and not row["connected"] for row in commands.health()["dependencies"]))
    wait_for(lambda: "delivery_tried" in log_of(daemon))
    assert daemon.tandem("cases", "show", WORDS["order"]).returncode == 1
    assert daemon.tandem("erase", "nobody-" + WORDS["address"], "--yes").returncode in (0, 2)


def fail_to_sign_in(port: int) -> None:
    answer = httpx.post(f"http://127.0.0.1:{port}/sign-in", data={"name": WORDS["guessed"], "password": WORDS["password"]}, trust_env=False)
    assert answer.status_code in (400, 401, 403), answer.text


def say_in_chat(port: int) -> None:
    said = {"message": f"What are your opening hours? {WORDS['chat']}", "name": WORDS["chat_name"]}
    answer = httpx.post(f"http://127.0.0.1:{port}/api/ai/chat", json=said, trust_env=False)
    assert answer.status_code == 200, answer.text


def cases(daemon: Daemon, channel: str) -> list[CaseRow]:
    return [row for row in daemon.commands.rows() if row.channel == channel and row.state is CaseState.REVIEW]


def log_of(daemon: Daemon) -> str:
    return (daemon.home / "logs" / "tandem.log").read_text(encoding="utf-8")


def surfaces(daemon: Daemon) -> dict[str, bytes]:
    """Everything that may be read by somebody who may not read mail."""
    made = daemon.commands.diagnostics(OWNER)
    told = {f"zip/{name}": data for name, data in unpacked(made.data).items()}
    secret = json.loads(daemon.tandem("keys", "add", "watch", "--role", "viewer", "--json").stdout)["secret"]
    for path in ("/metrics", "/api/v1/status", "/health", "/info"):
        status, body = daemon.get(path, secret)
        assert status == 200, path
        told[path] = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    told["report"] = msgspec.json.encode(daemon.commands.analytics())
    told["status"] = daemon.tandem("status").stdout.encode()
    files = [*(daemon.home / "logs").iterdir(), daemon.home / "pipeline.jsonl", daemon.home / "stderr"]
    told |= {f"file/{file.name}": file.read_bytes() for file in files}
    assert not any(secret.encode() in content for content in told.values())
    return told


def test_planted_words_and_secrets_never_reach_diagnostics_metrics_or_logs(daemon: Daemon) -> None:
    told = surfaces(daemon)
    leaks = {(place, name) for place, content in told.items() for name in WORDS if found(content, [WORDS[name]])}
    # What is told to whoever runs the machine may name his own mailbox, for he has to mend it; the zip may not.
    own = {("/info", "company"), *((place, "user") for place in told if not place.startswith("zip/"))}
    assert leaks - own == set()
    health = json.loads(told["zip/health.json"])
    assert {"sign_in_refused"} <= {row["code"] for row in health}  # the errors did happen, and the helper sees which
    kinds = {json.loads(line)["kind"] for line in told["zip/journal.jsonl"].splitlines()}
    assert {"message_received", "delivery_started", "person_set"} <= kinds


def test_what_was_planted_is_really_there_where_people_work(daemon: Daemon) -> None:
    opened = daemon.commands.file(next(row.id for row in daemon.commands.rows() if row.channel == "mail"))
    assert opened is not None
    whole = repr(opened).encode()
    assert {WORDS[name] for name in ("name", "address", "phone", "subject", "body", "attachment")} <= found(whole, WORDS.values())


@pytest.mark.parametrize("word", ["Subjectwomble", "Zebulonia Quixwörth", "ZQ-88421"])
def test_the_search_sees_a_word_in_every_dress(word: str) -> None:
    raw = word.encode()
    dressed = [
        raw, raw.upper(), word.encode("utf-16-le"), word.encode("utf-16-be"), raw.hex().encode(), quote(word).encode(),
        quopri.encodestring(raw), json.dumps(word).encode(), *(base64.b64encode(b"xyz"[:before] + raw + b" after") for before in range(3)),
        base64.b64encode(b"x" + word.encode("utf-16-le")),
    ]  # fmt: skip
    for one in dressed:
        assert found(b"before " + one + b" after", [word]) == {word}, one
    assert found(b"nothing of it", [word]) == set()

"""Every key of ``tandem.toml``: its type, default, range and one sentence, each written once.

The sentence and the range stand in the annotation. Checking, ``describe``, the commented file of ``tandem config template`` and the
help all read them from there, so they cannot drift apart. A name here is the name in the file and in the environment.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from appliance.records.base import Record
from appliance.records.language import LANGUAGES, Code
from appliance.settings.secret import Secret

Authentication = Literal["password", "microsoft", "google"]
Security = Literal["tls", "starttls", "none"]


def says(sentence: str, **limits: Any) -> Meta:
    """What is said about a key: its sentence, its limits, an example."""
    return Meta(description=sentence, **limits)


_AUTH = "How to sign in; microsoft and google use the sign-in on their own page (XOAUTH2)."
_PASSWORD_FILE = "A file of mode 0600 that holds the password, alone on its first line."
_AUTHORITIES = "A PEM file of the certificate authorities to trust; empty trusts the system's."
_PASSWORD = "The password itself; only from the environment, never from a file that is copied about."


class CompanySettings(Record):
    """Who the replies come from."""

    name: Annotated[str, says("The company's name as customers know it.", max_length=200, examples=["Pohjola Pumps"])] = ""
    languages: Annotated[
        tuple[Code, ...],
        says("The languages the company answers in; the first is used when a message's language is unsure.", min_length=1),
    ] = LANGUAGES
    signature: Annotated[
        str,
        says(
            "The last lines of every reply; empty means the company's name.",
            max_length=2000,
            examples=["Pohjola Pumps, customer service"],
        ),
    ] = ""
    hours: Annotated[
        tuple[str, ...],
        says(
            "When people answer, one text a span of days; outside it the chat says when somebody is there again. Empty says nothing.",
            examples=[("mon-fri 8-16", "sat 10:00-14:00")],
        ),
    ] = ()


class PanelSettings(Record):
    """Where the panel and the HTTP API listen."""

    host: Annotated[str, says("The address the panel listens on; keep it on this machine unless a proxy needs it.", min_length=1)] = (
        "127.0.0.1"
    )
    port: Annotated[int, says("The port of the panel and the API; 0 takes any free one.", ge=0, le=65535)] = 8484
    time_zone: Annotated[str, says("The time zone that people see (IANA name).", min_length=1)] = "Europe/Helsinki"
    chat_port: Annotated[int, says("The port of the customers' chat, with no way to the panel; 0 takes any free one.", ge=0, le=65535)] = (
        8486
    )
    public_url: Annotated[
        str,
        says(
            "The address that people type when a proxy stands in front; empty when there is none.",
            pattern=r"^(https?://[^\s/@]+(/[^\s@]*)?)?$",
            examples=["https://desk.example.com"],
        ),
    ] = ""
    peers: Annotated[
        tuple[str, ...],
        says(
            "The addresses of the other machines' panels, which the desktop window goes on with when this one falls silent.",
            max_length=4,
            examples=[("http://mini-2.local:8484",)],
        ),
    ] = ()
    session_idle_hours: Annotated[int, says("After how many hours without use a browser has to sign in again.", ge=1, le=168)] = 12
    session_days: Annotated[int, says("After how many days a browser has to sign in again in any case.", ge=1, le=90)] = 7


class ChatSettings(Record):
    """The customers' chat: a small window on the company's own web pages."""

    enabled: Annotated[bool, says("Open the chat's port (panel.chat_port).")] = True
    host: Annotated[str, says("The address the chat listens on; keep it on this machine, behind a proxy with https.", min_length=1)] = (
        "127.0.0.1"
    )
    origins: Annotated[
        tuple[str, ...],
        says(
            "The web pages that may show the chat, as the browser names them; empty allows only the chat's own page.",
            examples=[("https://www.example.com",)],
        ),
    ] = ()
    proxies: Annotated[
        tuple[str, ...],
        says(
            "The addresses of proxies whose X-Forwarded-For is believed; without it everybody behind one counts as one visitor.",
            examples=[("127.0.0.1",)],
        ),
    ] = ()
    message_characters: Annotated[int, says("The longest message a customer may write.", ge=100, le=20_000)] = 2_000
    messages_per_minute: Annotated[int, says("How many messages one conversation may have in a minute.", ge=1, le=600)] = 12
    messages_per_day: Annotated[int, says("How many messages one conversation may have in a day.", ge=1, le=10_000)] = 200
    sessions_per_hour: Annotated[int, says("How many conversations one network address may begin in an hour.", ge=1, le=10_000)] = 20
    session_hours: Annotated[int, says("How long a conversation can be gone on with after it began, in hours.", ge=1, le=720)] = 72


class ImapSettings(Record):
    """The mailbox that mail is taken from. An empty host means: none."""

    host: Annotated[str, says("The IMAP server.", examples=["imap.example.com"])] = ""
    port: Annotated[int, says("The IMAP server's port: 993 for tls, 143 for starttls.", ge=1, le=65535)] = 993
    security: Annotated[Security, says("How the line is protected; none is for this machine only.")] = "tls"
    user: Annotated[str, says("The name to sign in with.", examples=["support@example.com"])] = ""
    auth: Annotated[Authentication, says(_AUTH)] = "password"
    password_file: Annotated[Path | None, says(_PASSWORD_FILE, examples=["secrets/imap"])] = None
    password: Annotated[Secret, says(_PASSWORD)] = Secret("")
    authorities: Annotated[Path | None, says(_AUTHORITIES, examples=["authorities.pem"])] = None
    folder: Annotated[str, says("The folder that is read.", min_length=1)] = "INBOX"
    idle: Annotated[bool, says("Let the server say when mail arrives (IDLE); asking every poll_seconds stays as the fallback.")] = True
    poll_seconds: Annotated[int, says("How often to look for mail, in seconds.", ge=1, le=3600)] = 60
    start: Annotated[
        Literal["now", "all"],
        says("Where a new mailbox begins: now, or all that lies there; older mail is never answered automatically."),
    ] = "now"
    drafts: Annotated[
        bool, says("Lay every held draft into the mailbox's own Drafts folder, where people can send it from their mail program.")
    ] = False
    client_id: Annotated[
        str,
        says(
            "For microsoft and google: the id under which the appliance is registered there.",
            pattern=r"^[\x21-\x7e]{0,200}$",
            examples=["00000000-0000-0000-0000-000000000000"],
        ),
    ] = ""
    client_secret_file: Annotated[
        Path | None,
        says("A file of mode 0600 with the client's secret, which google asks for; microsoft needs none.", examples=["secrets/client"]),
    ] = None
    tenant: Annotated[
        str,
        says(
            "For microsoft: the tenant's id or domain; empty lets any work account sign in.",
            pattern=r"^[A-Za-z0-9.-]{0,100}$",
            examples=["example.onmicrosoft.com"],
        ),
    ] = ""
    sign_in_url: Annotated[
        str,
        says(
            "Where to sign in instead of the provider's usual address, as for a national cloud; empty takes the usual one.",
            pattern=r"^(https?://[^\s/@?#]+(/[^\s@?#]*)?)?$",
            examples=["https://login.microsoftonline.us"],
        ),
    ] = ""


class SmtpSettings(Record):
    """The server that replies leave by. An empty host means: none."""

    host: Annotated[str, says("The SMTP server.", examples=["smtp.example.com"])] = ""
    port: Annotated[int, says("The SMTP server's port: 587 for starttls, 465 for tls.", ge=1, le=65535)] = 587
    security: Annotated[Security, says("How the line is protected; none is for this machine only.")] = "starttls"
    user: Annotated[str, says("The name to sign in with; empty when the server asks for none.", examples=["support@example.com"])] = ""
    auth: Annotated[Authentication, says(_AUTH)] = "password"
    password_file: Annotated[Path | None, says(_PASSWORD_FILE, examples=["secrets/smtp"])] = None
    password: Annotated[Secret, says(_PASSWORD)] = Secret("")
    authorities: Annotated[Path | None, says(_AUTHORITIES, examples=["authorities.pem"])] = None
    copy_to_self: Annotated[bool, says("Send the mailbox a blind copy of each reply, where it can be found again after a crash.")] = True
    drafts_to: Annotated[
        str,
        says(
            "An own address that gets every draft held for review; empty when drafts stay in the panel.",
            examples=["service@example.com"],
        ),
    ] = ""
    authserv_id: Annotated[
        str,
        says(
            "The name of our mail server in Authentication-Results whose word on DMARC we believe; empty believes nobody.",
            examples=["mx.example.com"],
        ),
    ] = ""


class FolderSettings(Record):
    """A folder of ``.eml`` files, or one ``.mbox``, instead of a mailbox."""

    inbox: Annotated[Path | None, says("The folder of .eml files, or the .mbox file, that mail is read from.", examples=["inbox"])] = None
    outbox: Annotated[Path | None, says("The folder that replies are written to as .eml files.", examples=["outbox"])] = None
    archive: Annotated[Path | None, says("The folder that handled files move to; empty deletes them.", examples=["archive"])] = None


class MailboxSettings(Record):
    """One address that customers write to. Several are allowed."""

    id: Annotated[
        str,
        says(
            "A short name that never changes: it stands in the journal.",
            pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
        ),
    ] = "support"
    sender: Annotated[str, says("The address that replies come from.", examples=["support@example.com"])] = ""
    team: Annotated[str, says("The team of policy.toml that gets this mailbox's routed mail; empty leaves it to the rules.")] = ""
    imap: ImapSettings = ImapSettings()
    smtp: SmtpSettings = SmtpSettings()
    folder: FolderSettings = FolderSettings()


class SourceSettings(Record):
    """One source of knowledge in one language."""

    path: Annotated[Path, says("An Excel, CSV or Markdown file.", examples=["knowledge/en.xlsx"])] = Path()
    url: Annotated[
        str,
        says(
            "Instead of path: the file's address on a web server.",
            pattern=r"^(https?://[^\s/@?#]+(/[^\s@#]*)?)?$",
            examples=["https://share.example.com/kb/en.xlsx"],
        ),
    ] = ""
    user: Annotated[str, says("The name to sign in to that server with (HTTP Basic); empty when it asks for none.", examples=["desk"])] = ""
    password_file: Annotated[Path | None, says(_PASSWORD_FILE, examples=["secrets/share"])] = None
    authorities: Annotated[Path | None, says(_AUTHORITIES, examples=["authorities.pem"])] = None
    poll_seconds: Annotated[int, says("How often that server is asked for a newer file, in seconds.", ge=5, le=3600)] = 10
    language: Annotated[Code, says("The language the source is written in.")] = "en"
    fallback: Annotated[
        Path | None,
        says(
            "A template that is used only while the source fails and was never read well; its use is told as a fault.",
            examples=["knowledge/en-template.csv"],
        ),
    ] = None


class KnowledgeSettings(Record):
    """What the company knows."""

    source: tuple[SourceSettings, ...] = ()


_HEADINGS = "Further headings of the column that {holds}, as they stand in the sheet."


class AccountColumnSettings(Record):
    """The company's own headings, where they are not among those that are known anyway."""

    email: Annotated[tuple[str, ...], says(_HEADINGS.format(holds="holds the customer's address"), examples=[("Kontakt",)])] = ()
    order: Annotated[tuple[str, ...], says(_HEADINGS.format(holds="holds the order number"), examples=[("Reference",)])] = ()
    status: Annotated[tuple[str, ...], says(_HEADINGS.format(holds="says how far the order is"), examples=[("Stage",)])] = ()
    expected: Annotated[tuple[str, ...], says(_HEADINGS.format(holds="holds the expected day"), examples=[("Promised",)])] = ()


class AccountsSettings(Record):
    """The sheet of customer accounts and orders."""

    path: Annotated[Path, says("The Excel or CSV file of account records; it may be missing.")] = Path("accounts.xlsx")
    match: Annotated[
        tuple[Literal["email", "order"], ...],
        says("What a message must agree with before account data is used: both, the proven sender and the order.", min_length=1),
    ] = ("email", "order")
    stale_days: Annotated[
        int, says("From which age of the file on it is told that the records are old, in days; 0 never tells.", ge=0, le=3650)
    ] = 7
    columns: AccountColumnSettings = AccountColumnSettings()


class PolicySettings(Record):
    """What may be done without a person. The levers are read at the first start only; later the panel's levers rule."""

    path: Annotated[Path, says("The policy: tiers, rules, teams, limits; the built-in one is used while the file is missing.")] = Path(
        "policy.toml"
    )
    safe_mode: Annotated[bool, says("First start only: every message goes to a team, nothing is answered.")] = True
    automation_enabled: Annotated[bool, says("First start only: replies may leave without a person.")] = False
    outbound_enabled: Annotated[bool, says("First start only: mail may leave at all; intake goes on either way.")] = True


class WriterSettings(Record):
    """Who writes the drafts."""

    kind: Annotated[
        Literal["grounded", "quoting", "mlx", "openai", "stub"],
        says("The writer: grounded composes from cited passages without a model; the others need one, stub is for tests."),
    ] = "grounded"
    model: Annotated[str, says("The model's name for mlx and openai; empty takes the card's default.")] = ""
    base_url: Annotated[
        str,
        says(
            "The OpenAI-compatible server for openai, such as Ollama or LM Studio.",
            pattern=r"^(https?://[^\s/@]+(/[^\s@]*)?)?$",
            examples=["http://127.0.0.1:11434/v1"],
        ),
    ] = ""
    key_file: Annotated[
        Path | None, says("A file of mode 0600 that holds the key of that server, alone on its first line.", examples=["secrets/model-key"])
    ] = None
    authorities: Annotated[Path | None, says(_AUTHORITIES, examples=["authorities.pem"])] = None
    fallback: Annotated[
        tuple[Literal["grounded", "quoting", "mlx", "openai", "stub"], ...],
        says("Who writes instead when the writer cannot, in this order; empty leaves the case to a person.", max_length=4),
    ] = ("grounded",)
    timeout_seconds: Annotated[float, says("How long the model may take for one answer, in seconds.", ge=1, le=3600)] = 60.0
    start_seconds: Annotated[float, says("How long a model of this machine may take to load, in seconds.", ge=1, le=3600)] = 120.0
    idle_minutes: Annotated[
        int, says("After how many minutes without work a model of this machine is unloaded; 0 keeps it.", ge=0, le=10_080)
    ] = 15
    at_once: Annotated[int, says("How many requests the model works on at once.", ge=1, le=64)] = 4
    waiting_most: Annotated[int, says("How many more may wait for it; who comes then is told to try again.", ge=0, le=1000)] = 16
    temperature: Annotated[float, says("How freely the model words its answers; 0 gives the same answer each time.", ge=0, le=2)] = 0.0
    answer_tokens: Annotated[int, says("The longest answer of the model, in tokens.", ge=50, le=4096)] = 800
    memory_megabytes: Annotated[
        int,
        says("The memory at which the model's process is ended; 0 allows three quarters of the machine's.", ge=0, le=4_000_000),
    ] = 0
    prompts: Annotated[
        Path,
        says("The folder of the company's own prompts; one of them wins over the program's of the same name once it was released."),
    ] = Path("prompts")


class VoiceSettings(Record):
    """What customers say: clips of sound, and the ear that hears them."""

    enabled: Annotated[bool, says("Listen to clips by itself; otherwise each waits for a person.")] = False
    mock: Annotated[
        bool, says("Instead of a real ear one that hears the same fixed sentence in every clip: for trying out, and for weak machines.")
    ] = True
    model: Annotated[
        str,
        says(
            "The Whisper model: a card's name or the path of a folder in CTranslate2's format; empty takes the recommended card.",
            max_length=1000,
            examples=["whisper-small"],
        ),
    ] = ""
    device: Annotated[
        Literal["auto", "cpu", "cuda", "metal"],
        says("Where the model runs; metal means the processor, for on a Mac this engine uses no graphics card."),
    ] = "auto"
    compute_type: Annotated[
        Literal["auto", "default", "int8", "int8_float16", "int8_float32", "int16", "float16", "bfloat16", "float32"],
        says("How exactly the model calculates; int8 is quickest on a processor."),
    ] = "int8"
    beam_size: Annotated[int, says("How many readings of a sentence are weighed against each other.", ge=1, le=20)] = 5
    streaming: Annotated[bool, says("A first, quick stage: words while a clip is still recorded or waits for the final stage.")] = True
    streaming_model: Annotated[
        str,
        says("The quick stage's own, smaller model; empty takes the same.", max_length=1000, examples=["whisper-tiny"]),
    ] = ""
    final: Annotated[bool, says("The final, exact stage; without it the quick stage's words are what there is.")] = True
    threads: Annotated[int, says("How many processor cores the ear may use; 0 leaves it to the engine.", ge=0, le=64)] = 0
    clip_bytes: Annotated[int, says("The largest clip that is taken in, in bytes.", ge=10_000, le=500_000_000)] = 25_000_000
    clip_seconds: Annotated[int, says("The longest clip that is heard, in seconds.", ge=1, le=28_800)] = 3600
    timeout_factor: Annotated[
        float, says("How many times its own length a clip may take to be heard, beside 30 seconds for the start.", ge=0.5, le=100)
    ] = 6.0
    idle_seconds: Annotated[
        int, says("After how many seconds without a clip the model is let go from memory; 0 keeps it.", ge=0, le=86_400)
    ] = 600
    watch_folder: Annotated[Path | None, says("A folder whose sound files are taken in as clips.", examples=["voice/inbox"])] = None
    archive: Annotated[
        Path | None, says("The folder that handled sound files move to; empty deletes them.", examples=["voice/archive"])
    ] = None
    reply_mailbox: Annotated[
        str, says("The id of the mailbox that answers voice messages by mail; empty takes the first.", max_length=40, examples=["support"])
    ] = ""
    mail_attachments: Annotated[bool, says("Hear the sound files that are attached to mails.")] = True


class ShadowSettings(Record):
    """Another writer that answers some cases unseen, to be compared with the one that counts."""

    kind: Annotated[
        Literal["", "grounded", "quoting", "mlx", "openai", "stub"],
        says("The candidate's kind, as writer.kind has it; empty asks no candidate."),
    ] = ""
    model: Annotated[str, says("The candidate's model; empty takes writer.model.", max_length=1000)] = ""
    base_url: Annotated[
        str,
        says(
            "The candidate's OpenAI-compatible server; empty takes writer.base_url.",
            pattern=r"^(https?://[^\s/@]+(/[^\s@]*)?)?$",
            examples=["http://127.0.0.1:11434/v1"],
        ),
    ] = ""
    prompts: Annotated[
        Path | None,
        says("A folder with other prompts for the candidate, named as the program's own; empty takes those.", examples=["prompts"]),
    ] = None
    per_day: Annotated[int, says("How many cases a day the candidate may look at; counted in the journal.", ge=0, le=10_000)] = 50


class EnergySettings(Record):
    """What electricity the answers take, as an estimate."""

    watts: Annotated[float, says("What this machine draws while an engine works, in watts; 0 tells no watt-hours.", ge=0, le=2000)] = 0.0


class IntakeSettings(Record):
    """How messages are taken in."""

    retain_raw: Annotated[
        bool, says("Keep the mail as it came beside its text, sealed; otherwise only what could not be read is kept.")
    ] = False
    clean: Annotated[bool, says("Cut quotes and signatures away before the desk reads a mail.")] = True
    detect_keys: Annotated[bool, says("Find the facts that a mail asks for by name, and hold an answer that lacks one.")] = True


class TargetsSettings(Record):
    """How long a message may wait, counted from when it was written to us. Whoever waits longer is late, and it is said."""

    answer_minutes: Annotated[int, says("How long a message may wait for the desk, in minutes; 0 promises nothing.", ge=0, le=525_600)] = 15
    review_minutes: Annotated[
        int, says("How long a case may wait for a person, in minutes, nights and weekends included; 0 promises nothing.", ge=0, le=525_600)
    ] = 240


class ReviewSettings(Record):
    """What a person decides about cases."""

    undo_seconds: Annotated[
        int, says("How long a decision can be undone, in seconds; what leaves by it waits so long. 0 sends at once.", ge=0, le=60)
    ] = 10


class MacrosSettings(Record):
    """Ready-made pieces of an answer."""

    path: Annotated[Path, says("The file of macros; it may be missing, and a change of it is live at once.")] = Path("macros.toml")


class CallSettings(Record):
    """What stands beside a call: who calls, what to say, what it costs. Each file may be missing, and a change of it is live at once."""

    contacts: Annotated[Path, says("The Excel or CSV file of jobs, open quotes and promotions by contact.")] = Path("contacts.xlsx")
    contacts_url: Annotated[
        str,
        says(
            "Instead of the file: the company's own service that answers with them as JSON.",
            pattern=r"^(https?://[^\s/@?#]+(/[^\s@#]*)?)?$",
            examples=["https://crm.example.com/contact"],
        ),
    ] = ""
    contacts_user: Annotated[str, says("The name to sign in to that service with (HTTP Basic); empty when it asks for none.")] = ""
    contacts_password_file: Annotated[Path | None, says(_PASSWORD_FILE, examples=["secrets/contacts"])] = None
    contacts_authorities: Annotated[Path | None, says(_AUTHORITIES, examples=["authorities.pem"])] = None
    playbook: Annotated[Path, says("The playbook: talking points on words of the call.")] = Path("playbook.toml")
    brief: Annotated[Path, says("The positioning briefs: values, promotion and price on words of the call.")] = Path("brief.toml")
    prices: Annotated[Path, says("The Excel or CSV file of the price list; its prices are without value added tax.")] = Path("prices.csv")
    currency: Annotated[str, says("The currency of the price list.", pattern=r"^[A-Z]{3}$", examples=["EUR"])] = "EUR"
    privacy: Annotated[
        bool, says("What was searched for in reference material is told in figures and a keyed print only, never in words.")
    ] = True
    reference: Annotated[
        Literal["live", "keyword", "stub"],
        says(
            "How reference material is searched: live by meaning with an embedder and else by words, keyword by words only, stub for tests."
        ),
    ] = "live"


class PairSettings(Record):
    """The other machine."""

    listen: Annotated[str, says("The address the peer's line listens on; empty listens once a pairing is asked for.")] = ""
    static_peer: Annotated[
        str,
        says(
            "The peer's HOST:PORT where it cannot be found by itself; empty finds it on the local network.",
            pattern=r"^([^\s:@/]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5})?$",
            examples=["192.168.1.12:8485"],
        ),
    ] = ""
    port: Annotated[int, says("The port of the peer's line, TCP and UDP; 0 takes any free one.", ge=0, le=65535)] = 8485
    witness: Annotated[
        str,
        says(
            "Who decides when the two cannot see each other: auto, mailbox, tcp://HOST:PORT or none.",
            pattern=r"^(auto|mailbox|none|tcp://([^\s:@/]+|\[[0-9a-fA-F:]+\]):\d{1,5})$",
            examples=["tcp://192.168.1.9:8487"],
        ),
    ] = "auto"
    lease_seconds: Annotated[float, says("How long a leader may act without being confirmed, in seconds.", ge=1, le=60)] = 3.0
    drill_days: Annotated[
        int, says("After how many days without a passed drill of the pair the page Pair warns; 0 never warns.", ge=0, le=3650)
    ] = 30


class StoreSettings(Record):
    """How the state is kept."""

    durability: Annotated[
        Literal["power-loss"],
        says("What an acknowledged message survives: the loss of power."),
    ] = "power-loss"
    retention_days: Annotated[
        int,
        says(
            "How long the words of a case are kept after it has ended, in days; then they are deleted, once a day. 0 keeps them for ever.",
            ge=0,
            le=3650,
        ),
    ] = 30


class LogSettings(Record):
    """What is written down about the running."""

    level: Annotated[Literal["debug", "info", "warning", "error"], says("The least important line that is still logged.")] = "info"
    standard_error: Annotated[bool, says("Log to standard error too; the files in the home's logs folder are written in any case.")] = True
    pipeline_path: Annotated[
        Path | None,
        says(
            "A file that gets one JSON line for each decided case, without a customer's words; empty writes none.",
            examples=["pipeline.jsonl"],
        ),
    ] = None


class ModelsSettings(Record):
    """Where the models lie, and where they come from. Nothing is ever fetched but when a person asks for it."""

    path: Annotated[Path, says("The folder of the models; several programs of this machine may share one.")] = Path("models")
    hub: Annotated[
        str,
        says(
            "The hub that models are pulled from, or a mirror of it in the house.",
            pattern=r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$",
            examples=["https://hub.example.com"],
        ),
    ] = "https://huggingface.co"
    hub_token_file: Annotated[
        Path | None,
        says("A file of mode 0600 with the hub's token, for models that it gives to known people only.", examples=["secrets/hub"]),
    ] = None
    peer: Annotated[bool, says("Take a model from the other machine first when it has it, and give it the ones that are here.")] = True


class EmbedderSettings(Record):
    """Who turns texts into vectors, for the API's embeddings and for searching by meaning."""

    kind: Annotated[
        str,
        says(
            "Which one: none, stub (no model, finds the same words only), minilm (English), or the name of an embedder's card.",
            pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$",
            examples=["multilingual-e5-small"],
        ),
    ] = "none"
    threads: Annotated[int, says("How many processor cores it may use; 0 leaves it to the engine.", ge=0, le=64)] = 0
    idle_seconds: Annotated[int, says("After how many seconds without work its process ends; 0 keeps it.", ge=0, le=86_400)] = 600
    cached: Annotated[int, says("How many texts' vectors are remembered.", ge=0, le=1_000_000)] = 10_000


class CrmSettings(Record):
    """The CRM that is told of cases, by signed webhooks (Standard Webhooks)."""

    enabled: Annotated[bool, says("Tell the CRM what people push; otherwise it waits here.")] = False
    url: Annotated[
        str,
        says(
            "Where the CRM takes webhooks: an https address, or http on this machine.",
            pattern=r"^(https?://[^\s/@?#]+(/[^\s@#]*)?)?$",
            examples=["https://crm.example.com/hooks/tandem"],
        ),
    ] = ""
    secret_file: Annotated[
        Path | None,
        says("A file of mode 0600 with the secret that pushes are signed with: whsec_ and base64.", examples=["secrets/crm"]),
    ] = None
    old_secret_file: Annotated[
        Path | None,
        says("While the secret is changed: the file of the one before, by which each push is signed too.", examples=["secrets/crm-old"]),
    ] = None
    authorities: Annotated[Path | None, says(_AUTHORITIES, examples=["authorities.pem"])] = None
    timeout_seconds: Annotated[int, says("How long the CRM may take for its answer, in seconds.", ge=1, le=120)] = 15
    attempts_most: Annotated[int, says("After how many tries in vain a push is given up until a person tries it again.", ge=1, le=100)] = 15
    ops_log_path: Annotated[
        Path | None,
        says("The file that gets one JSON line for each thing that happens to a push, without a customer's words; empty writes none."),
    ] = Path("logs/crm.jsonl")
    ops_log_bytes: Annotated[
        int, says("How large that file may grow; then it is put aside as .1, in the place of the one before.", ge=10_000, le=1_000_000_000)
    ] = 5_000_000


class Settings(Record):
    """All of ``tandem.toml``, checked. ``home``, ``file`` and ``notes`` are no keys.

    ``home`` is the folder of the state, ``file`` the file that was read (None: there was none). ``notes`` are whole
    sentences for the log: older names that were used, settings that have no effect.
    """

    home: Path = Path()
    file: Path | None = None
    notes: tuple[str, ...] = ()
    company: CompanySettings = CompanySettings()
    panel: PanelSettings = PanelSettings()
    chat: ChatSettings = ChatSettings()
    mailbox: tuple[MailboxSettings, ...] = ()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    accounts: AccountsSettings = AccountsSettings()
    policy: PolicySettings = PolicySettings()
    writer: WriterSettings = WriterSettings()
    shadow: ShadowSettings = ShadowSettings()
    energy: EnergySettings = EnergySettings()
    voice: VoiceSettings = VoiceSettings()
    intake: IntakeSettings = IntakeSettings()
    targets: TargetsSettings = TargetsSettings()
    review: ReviewSettings = ReviewSettings()
    macros: MacrosSettings = MacrosSettings()
    call: CallSettings = CallSettings()
    crm: CrmSettings = CrmSettings()
    pair: PairSettings = PairSettings()
    models: ModelsSettings = ModelsSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    store: StoreSettings = StoreSettings()
    log: LogSettings = LogSettings()

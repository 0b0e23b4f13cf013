"""The policy and the desk as they are now: read again when ``policy.toml`` changes, kept when the new one is no good."""

import re
import threading
from dataclasses import replace
from pathlib import Path

from appliance import __version__
from appliance.desk.desk import Company, Desk
from appliance.engines.judge.rules import RuleJudge
from appliance.engines.writer.protocol import Writer
from appliance.ground.clock import Clock
from appliance.ground.errors import SettingsError, TandemError
from appliance.ground.log import Log, Trouble
from appliance.knowledge.accounts import Accounts
from appliance.knowledge.library import Library
from appliance.language import words
from appliance.language.detect import Detector
from appliance.policy.format import default_policy
from appliance.policy.format import load as read_policy
from appliance.policy.model import Policy
from appliance.records.answer import Versions
from appliance.records.language import Code
from appliance.settings.model import Settings

log = Log("policy")


MARKER = "policy-in-force"  # in the home: a policy file ruled here once, so that its loss is a fault and not a choice
_VERSION = re.compile(r"^version\s*=", re.MULTILINE)


def load_policy(settings: Settings) -> Policy:
    """The policy of this home; the built-in one where there never was a file. Raises what is wrong with it (exit code 2).

    A file that is gone, empty or torn must not open anything: the company's own rules would be missing without a word.
    """
    path, marker = settings.policy.path, settings.home / MARKER
    if not path.exists():
        if marker.exists():
            remedy = f"Restore it from a backup; to go back to the built-in policy on purpose, remove {marker}."
            raise SettingsError(f"The policy {path} is gone.", remedy)
        return default_policy()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"The policy {path} cannot be read ({type(error).__name__})."
        raise SettingsError(reason, "It must be UTF-8 text that this user may read.") from error
    if not _VERSION.search(text):
        raise SettingsError(f"The policy {path} has no version: it is empty, or was cut off.", "Restore it; it begins with: version = 1")
    return read_policy(text, path.name)


class LivePolicy:
    """Calls give the policy in force. ``look`` reads the file again when it has changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp = self._seen = _stamp(settings.policy.path)
        self._policy = load_policy(settings)
        self.trouble = Trouble(log, "policy")
        if self._stamp != _NO_FILE:
            settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (settings.home / MARKER).touch(mode=0o600)

    def __call__(self) -> Policy:
        return self._policy

    def look(self) -> bool:
        """Take up a file that has changed and stayed the same since the last look; True when another policy is in force now.

        A file that is no good, or gone, changes nothing, and is told.
        """
        stamp, seen = _stamp(self._settings.policy.path), self._seen
        self._seen = stamp
        if stamp == self._stamp or stamp != seen:
            return False
        self._stamp = stamp
        try:
            policy = load_policy(self._settings)
        except TandemError as error:
            self.trouble.broke(error.message, remedy=error.remedy)
            return False
        self.trouble.healed()
        changed = policy.version != self._policy.version
        self._policy = policy
        (self._settings.home / MARKER).touch(mode=0o600)
        if changed:
            log.info("policy_changed", version=policy.version)
        return changed


_NO_FILE = (0, 0)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return _NO_FILE
    return (found.st_mtime_ns, found.st_size)


class WithoutKeys:
    """The knowledge of a company that does not want facts detected by name: no draft is held for lacking one."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.search = library.search
        self.passage = library.passage
        self.theme = library.theme

    @property
    def version(self) -> str:
        return self._library.version

    def expected_keys(self, text: str, language: Code) -> tuple[str, ...]:  # noqa: ARG002
        return ()


class LiveDesk:
    """Calls give a desk with the policy and the knowledge of this moment; everything heavy in it is made once."""

    def __init__(self, settings: Settings, policy: LivePolicy, library: Library, accounts: Accounts, clock: Clock, writer: Writer) -> None:
        self._policy = policy
        self._library = library
        self._lock = threading.Lock()
        languages = settings.company.languages
        self._desk = Desk(
            company=Company(name=settings.company.name, languages=languages),
            detector=Detector(languages[0]),
            policy=policy(),
            library=library if settings.intake.detect_keys else WithoutKeys(library),
            writer=writer,
            judge=RuleJudge(words),
            timer=clock.elapsed,
            accounts=accounts,
        )

    def __call__(self) -> Desk:
        policy, knowledge = self._policy(), self._library.version
        with self._lock:
            if self._desk.versions.policy != policy.version or self._desk.versions.knowledge != knowledge:
                self._desk = replace(self._desk, policy=policy, versions=_versions(self._desk, policy, knowledge))
            return self._desk


def _versions(desk: Desk, policy: Policy, knowledge: str) -> Versions:
    return Versions(
        program=__version__,
        policy=policy.version,
        knowledge=knowledge,
        writer=f"{desk.writer.name} {desk.writer.version}",
        prompt=desk.writer.prompt,
        lexicons=policy.lexicons,
        thresholds=policy.thresholds_version,
    )

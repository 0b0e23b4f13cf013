"""The service under launchd: plans, and how its answers are read. No effects."""

import plistlib
import re
from pathlib import Path
from xml.sax.saxutils import escape

from appliance.care.service.plan import Place, Plan, Put, Remove, Run, Standing
from appliance.ground.assets import asset

NAME = "launchd"
ACCOUNT = "_tandem"
HOME = Path("/Library/Application Support/Tandem")
LABEL = "com.tandem.appliance"
FILE = Path(f"/Library/LaunchDaemons/{LABEL}.plist")
TARGET = f"system/{LABEL}"
QUESTION: tuple[str, ...] = ("launchctl", "print", TARGET)
PROGRAM = "/opt/tandem/bin/tandem"

# Numbers below 500 are not shown at the sign-in window; Apple's own accounts keep to those below 400.
ACCOUNT_NUMBERS = range(400, 500)
_BUSY_TRIES = 90  # the daemon that is being replaced has ExitTimeOut= to end


def plist(place: Place) -> str:
    """The file of ``launchd/`` with this installation's program and home; its comments stay."""
    text = (asset("launchd") / f"{LABEL}.plist").read_text(encoding="utf-8")
    text = text.replace(f">{PROGRAM}<", f">{escape(str(place.program))}<")
    return text.replace(f">{HOME}", f">{escape(str(place.home))}")


def install(place: Place) -> Plan:
    home, logs = str(place.home), str(place.home / "logs")
    return (
        *_make_account(place),
        Run(
            ("install", "-d", "-m", "700", "-o", ACCOUNT, "-g", ACCOUNT, home, logs)
        ),  # without the folder of its log launchd starts nothing
        Run(("chown", "-R", f"{ACCOUNT}:{ACCOUNT}", home)),  # an `init` by root has left files that the account could not open
        *(() if place.versions is None else (Run(("chown", "-R", f"{ACCOUNT}:{ACCOUNT}", str(place.versions))),)),
        Put(FILE, plist(place)),
        Run(("launchctl", "bootout", TARGET), may_fail=True),
        Run(("launchctl", "enable", TARGET)),
        _load(),
    )


def _make_account(place: Place) -> Plan:
    """An account that nobody can sign in with, and its group of the same number."""
    if place.account_number is None:
        return ()
    number, user, group = str(place.account_number), f"/Users/{ACCOUNT}", f"/Groups/{ACCOUNT}"
    facts = {
        "UniqueID": number, "PrimaryGroupID": number, "UserShell": "/usr/bin/false", "NFSHomeDirectory": "/var/empty",
        "RealName": "Tandem customer service", "IsHidden": "1", "Password": "*",
    }  # fmt: skip
    return (
        Run(("dscl", ".", "-create", group)),
        Run(("dscl", ".", "-create", group, "PrimaryGroupID", number)),
        Run(("dscl", ".", "-create", user)),
        *(Run(("dscl", ".", "-create", user, key, value)) for key, value in facts.items()),
    )


def free_number(listing: str) -> int:
    """The highest number that no account or group has, from the lines of ``dscl . -list /Users UniqueID``: ``_name  401``."""
    taken = {int(number) for number in re.findall(r"(\d+)\s*$", listing, re.MULTILINE)}
    return max(number for number in ACCOUNT_NUMBERS if number not in taken)


def _load() -> Run:
    return Run(("launchctl", "bootstrap", "system", str(FILE)), tries=_BUSY_TRIES)


def uninstall() -> Plan:
    return (Run(("launchctl", "bootout", TARGET), may_fail=True), Remove(FILE))


def start() -> Plan:
    """Loading starts it; when it is loaded already, there is nothing to load, and kickstart does nothing to one that runs."""
    return (Run(("launchctl", "bootstrap", "system", str(FILE)), may_fail=True), Run(("launchctl", "kickstart", TARGET)))


def stop() -> Plan:
    """Unloading, for one that is only ended KeepAlive starts again."""
    return (Run(("launchctl", "bootout", TARGET)),)


def restart() -> Plan:
    """It ends in its own time and KeepAlive starts it again."""
    return (Run(("launchctl", "kill", "SIGTERM", TARGET)),)


def standing(answer: str) -> Standing:
    """Of lines such as ``pid = 812``; an empty answer when there is no such service. ``runs`` counts the starts."""
    told = dict(re.findall(r"^\t(pid|runs|last exit code) = (.*)$", answer, re.MULTILINE))
    runs, ended = told.get("runs", "0"), told.get("last exit code", "")
    return Standing(
        installed=bool(answer.strip()),
        pid=int(told.get("pid", "0")),
        restarts=max(0, int(runs) - 1),
        last_end="" if ended.startswith(("0", "(never")) else ended,
    )


def home_in(text: str) -> Path | None:
    home = plistlib.loads(text.encode()).get("EnvironmentVariables", {}).get("TANDEM_HOME", "")
    return Path(home) if home else None


def log_command(since: float, follow: bool) -> tuple[str, ...]:  # noqa: ARG001  launchd keeps none
    return ()

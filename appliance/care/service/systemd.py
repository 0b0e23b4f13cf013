"""The service under systemd: plans, and how its answers are read. No effects."""

import re
from collections.abc import Mapping
from pathlib import Path

from appliance.care.service.plan import Place, Plan, Put, Remove, Run, ServiceError, Standing
from appliance.ground.assets import asset

NAME = "systemd"
ACCOUNT = "tandem"
HOME = Path("/var/lib/tandem")
FILE = Path("/etc/systemd/system/tandem.service")
ACCOUNT_FILE = Path("/etc/sysusers.d/tandem.conf")
UNIT = FILE.name
_SHOWN = ("LoadState", "MainPID", "NRestarts", "StatusText", "Result")
QUESTION: tuple[str, ...] = ("systemctl", "show", UNIT, f"--property={','.join(_SHOWN)}")


def unit(place: Place) -> str:
    """The unit of ``systemd/tandem.service`` with this installation's program and home.

    A home of its own is no StateDirectory=, which always lies below /var/lib: it is named as the one place to write to.
    """
    text = (asset("systemd") / "tandem.service").read_text(encoding="utf-8")
    home = str(place.home)
    values = {
        "ExecStart": f"ExecStart={_word(str(place.program), in_command=True)} run",
        "Environment": f"Environment={_word(f'TANDEM_HOME={home}')}",
        "WorkingDirectory": f"WorkingDirectory={home.replace('%', '%%')}",
        "RequiresMountsFor": f"RequiresMountsFor={_word(home)}",
    }
    if place.home != HOME:
        values["StateDirectory"] = f"ReadWritePaths={_word(home)}"
        values["StateDirectoryMode"] = ""
    if place.versions is not None:
        values["ProtectSystem"] = f"ProtectSystem=strict\nReadWritePaths={_word(str(place.versions))}"
    return _replaced(text, values)


def _replaced(text: str, values: Mapping[str, str]) -> str:
    for key, line in values.items():
        text, found = re.subn(rf"^{key}=.*\n", lambda _, line=line: f"{line}\n" if line else "", text, flags=re.MULTILINE)  # type: ignore[misc]
        if found != 1:
            raise ServiceError(f"The unit that came with this version has {found} lines {key}=.", "Install Tandem again.")
    return text


def _word(text: str, in_command: bool = False) -> str:
    """One word of a unit's line (systemd.syntax(7)): % begins a specifier, and in a command $ a variable."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    text = text.replace("$", "$$") if in_command else text
    return f'"{text}"' if re.search(r"[\s'\"\\;]", text) else text


def install(place: Place) -> Plan:
    return (
        Put(ACCOUNT_FILE, (asset("systemd") / "tandem.sysusers").read_text(encoding="utf-8")),
        Run(("systemd-sysusers", str(ACCOUNT_FILE))),
        Run(("install", "-d", "-m", "700", "-o", ACCOUNT, "-g", ACCOUNT, str(place.home))),
        Run(("chown", "-R", f"{ACCOUNT}:{ACCOUNT}", str(place.home))),  # an `init` by root has left files that the account could not open
        *_own_versions(place),
        Put(FILE, unit(place)),
        Run(("systemctl", "daemon-reload")),
        Run(("systemctl", "enable", UNIT)),
        Run(("systemctl", "restart", UNIT)),  # starts it when it does not run, and takes what has changed into use when it does
    )


def _own_versions(place: Place) -> Plan:
    """A rolling update lays the new version down under the service's own account."""
    return () if place.versions is None else (Run(("chown", "-R", f"{ACCOUNT}:{ACCOUNT}", str(place.versions))),)


def uninstall() -> Plan:
    return (
        Run(("systemctl", "disable", "--now", UNIT), may_fail=True),
        Remove(FILE),
        Remove(ACCOUNT_FILE),
        Run(("systemctl", "daemon-reload")),
        Run(("systemctl", "reset-failed", UNIT), may_fail=True),
    )


def start() -> Plan:
    return (Run(("systemctl", "start", UNIT)),)


def stop() -> Plan:
    return (Run(("systemctl", "stop", UNIT)),)


def restart() -> Plan:
    return (Run(("systemctl", "restart", UNIT)),)


def standing(answer: str) -> Standing:
    """Of lines such as ``MainPID=812``."""
    told = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    result = told.get("Result", "")
    return Standing(
        installed=told.get("LoadState", "") == "loaded",
        pid=int(told.get("MainPID") or 0),
        restarts=int(told.get("NRestarts") or 0),
        told=told.get("StatusText", ""),
        last_end="" if result == "success" else result,
    )


def home_in(text: str) -> Path | None:
    found = re.search(r'^Environment="?TANDEM_HOME=(.*?)"?$', text, re.MULTILINE)
    return Path(re.sub(r"\\(.)", r"\1", found[1]).replace("%%", "%")) if found else None


def log_command(since: float, follow: bool) -> tuple[str, ...]:
    return ("journalctl", f"--unit={UNIT}", f"--since=@{int(since)}", "--no-pager", *(("--follow",) if follow else ()))

"""What would be told to systemd and launchd, for both on any machine, and how their answers are read."""

import plistlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from appliance.care.service import launchd, systemd
from appliance.care.service.plan import Place, Plan, Put, Remove, Run, ServiceError, carry_out, lines
from appliance.ground.assets import asset
from tests.support.clock import FakeClock

ODD = Path('/srv/a "b" $c 100% & <d>')

# The keys of launchd.plist(5), macOS 14, with the types that it names; a dict's own keys where it has a closed list of them.
LAUNCHD_KEYS: dict[str, type | tuple[type, ...]] = {
    "Label": str, "Disabled": bool, "UserName": str, "GroupName": str, "inetdCompatibility": dict, "LimitLoadToHosts": list,
    "LimitLoadFromHosts": list, "LimitLoadToSessionType": (str, list), "LimitLoadToHardware": dict, "LimitLoadFromHardware": dict,
    "Program": str, "BundleProgram": str, "ProgramArguments": list, "EnableGlobbing": bool, "EnableTransactions": bool,
    "EnablePressuredExit": bool, "OnDemand": bool, "ServiceIPC": bool, "KeepAlive": (bool, dict), "RunAtLoad": bool,
    "RootDirectory": str, "WorkingDirectory": str, "EnvironmentVariables": dict, "Umask": (int, str), "TimeOut": int,
    "ExitTimeOut": int, "ThrottleInterval": int, "InitGroups": bool, "WatchPaths": list, "QueueDirectories": list,
    "StartOnMount": bool, "StartInterval": int, "StartCalendarInterval": (dict, list), "StandardInPath": str, "StandardOutPath": str,
    "StandardErrorPath": str, "Debug": bool, "WaitForDebugger": bool, "SoftResourceLimits": dict, "HardResourceLimits": dict,
    "Nice": int, "ProcessType": str, "AbandonProcessGroup": bool, "LowPriorityIO": bool, "LowPriorityBackgroundIO": bool,
    "MaterializeDatalessFiles": bool, "LaunchOnlyOnce": bool, "MachServices": dict, "Sockets": dict, "LaunchEvents": dict,
    "HopefullyExitsLast": bool, "HopefullyExitsFirst": bool, "SessionCreate": bool, "LegacyTimers": bool,
    "AssociatedBundleIdentifiers": (str, list),
}  # fmt: skip
LAUNCHD_LIMITS = {
    "Core", "CPU", "Data", "FileSize", "MemoryLock", "NumberOfFiles", "NumberOfProcesses", "ResidentSetSize", "Stack",
}  # fmt: skip
LAUNCHD_PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}


def place(program: str = "/srv/venv/bin/tandem", home: Path | None = None, system: ModuleType = systemd) -> Place:
    return Place(program=Path(program), home=home or system.HOME)


def keys_of(unit: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for line in unit.splitlines() if (found := re.match(r"(\w+)=(.*)", line))]


def puts(plan: Plan) -> dict[Path, str]:
    return {step.path: step.text for step in plan if isinstance(step, Put)}


def test_the_unit_runs_this_program_on_this_home() -> None:
    keys = dict(keys_of(systemd.unit(place())))
    assert keys["ExecStart"] == "/srv/venv/bin/tandem run"
    assert keys["Environment"] == "TANDEM_HOME=/var/lib/tandem"
    assert keys["StateDirectory"] == "tandem"
    assert "@" not in systemd.unit(place()).replace("@system-service", "").replace("@privileged", "").replace("@resources", "")


def test_a_home_elsewhere_is_the_one_place_that_can_be_written_to() -> None:
    keys = dict(keys_of(systemd.unit(place(home=Path("/srv/desk")))))
    assert keys["ReadWritePaths"] == keys["WorkingDirectory"] == keys["RequiresMountsFor"] == "/srv/desk"
    assert "StateDirectory" not in keys


def test_a_path_means_to_systemd_what_it_means_to_us() -> None:
    """systemd.syntax(7): % begins a specifier everywhere, $ a variable in a command; in quotes a backslash goes before \" and itself."""
    keys = dict(keys_of(systemd.unit(place(program=str(ODD), home=ODD))))
    assert keys["ExecStart"] == r'"/srv/a \"b\" $$c 100%% & <d>" run'
    assert keys["ReadWritePaths"] == r'"/srv/a \"b\" $c 100%% & <d>"'
    assert keys["WorkingDirectory"] == '/srv/a "b" $c 100%% & <d>'  # a path alone: no quotes


def test_what_the_service_has_no_need_of_is_forbidden() -> None:
    keys = keys_of(systemd.unit(place()))
    closed = {
        "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "", "AmbientCapabilities": "", "UMask": "0077", "User": "tandem", "LimitCORE": "0",
        "RestrictNamespaces": "yes", "RestrictSUIDSGID": "yes", "ProtectProc": "invisible", "SystemCallArchitectures": "native",
    }  # fmt: skip
    assert {key: value for key, value in keys if key in closed} == closed
    assert [value for key, value in keys if key == "SystemCallFilter"] == ["@system-service", "~@privileged"]


def test_every_key_of_the_unit_stands_below_a_comment_that_says_why() -> None:
    text = (asset("systemd") / "tandem.service").read_text()
    explained = {"Description", "WantedBy", "ExecStart", "NotifyAccess", "Environment", "WorkingDirectory", "Group"}  # say it by themselves
    follows = {"StateDirectoryMode", "AmbientCapabilities", "SystemCallArchitectures", "RestartSec"}  # one comment for two lines
    follows |= {"ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock"}
    follows |= {"ProtectHostname", "RestrictSUIDSGID", "RestrictRealtime", "LockPersonality"}
    before = ""
    for line in text.splitlines():
        if found := re.match(r"(\w+)=", line):
            assert before.startswith(("#", found[1])) or found[1] in explained | follows, line
        before = line


@pytest.mark.parametrize("system", [systemd, launchd])
@pytest.mark.parametrize("home", [Path("/srv/desk"), Path("/srv/the desk"), ODD])
def test_a_home_is_read_back_from_the_file_as_it_was_written(system: ModuleType, home: Path) -> None:
    text = puts(system.install(place(home=home)))[system.FILE]
    assert system.home_in(text) == home


def test_a_unit_without_the_lines_it_should_have_is_refused() -> None:
    with pytest.raises(ServiceError, match="ExecStart"):
        systemd._replaced("[Service]\n", {"ExecStart": "ExecStart=x"})


@pytest.mark.parametrize("home", [launchd.HOME, Path("/Volumes/Data/Desk"), ODD])
def test_the_plist_has_only_keys_that_launchd_knows_each_of_its_type(home: Path) -> None:
    told = plistlib.loads(launchd.plist(place(home=home)).encode())
    for key, value in told.items():
        assert key in LAUNCHD_KEYS, key
        assert type(value) in (LAUNCHD_KEYS[key] if isinstance(LAUNCHD_KEYS[key], tuple) else (LAUNCHD_KEYS[key],)), key
    assert all(type(value) is str for value in (*told["EnvironmentVariables"].values(), *told["ProgramArguments"]))
    for limits in (told["SoftResourceLimits"], told["HardResourceLimits"]):
        assert limits.keys() <= LAUNCHD_LIMITS
        assert all(type(value) is int for value in limits.values())
    assert told["ProcessType"] in LAUNCHD_PROCESS_TYPES


def test_the_plist_runs_this_program_on_this_home_as_its_own_account() -> None:
    told = plistlib.loads(launchd.plist(place(program="/srv/a & b/tandem", home=Path("/srv/desk"))).encode())
    assert told["ProgramArguments"] == ["/srv/a & b/tandem", "run"]
    assert told["EnvironmentVariables"]["TANDEM_HOME"] == told["WorkingDirectory"] == "/srv/desk"
    assert told["StandardErrorPath"] == "/srv/desk/logs/launchd.log"
    assert (told["UserName"], told["GroupName"], told["Umask"]) == ("_tandem", "_tandem", 0o077)
    assert told["Label"] == launchd.LABEL == launchd.FILE.stem
    assert told["KeepAlive"] is told["RunAtLoad"] is True


def test_both_systems_bear_the_same_silence_and_pause_the_same_before_a_new_start() -> None:
    unit = dict(keys_of(systemd.unit(place())))
    told = plistlib.loads(launchd.plist(place()).encode())
    assert float(unit["WatchdogSec"]) == int(told["EnvironmentVariables"]["WATCHDOG_USEC"]) / 1e6
    assert (int(unit["RestartSec"]), int(unit["TimeoutStopSec"])) == (told["ThrottleInterval"], told["ExitTimeOut"])


def test_under_launchd_the_log_goes_to_the_files_that_rotate_and_nowhere_else() -> None:
    from appliance.settings.read import load

    told = plistlib.loads(launchd.plist(place()).encode())["EnvironmentVariables"]
    assert load(home=Path("/nowhere"), environment=told).log.standard_error is False


def test_an_account_is_made_only_where_there_is_none() -> None:
    without = launchd.install(place(system=launchd))
    assert not any(isinstance(step, Run) and step.words[0] == "dscl" for step in without)
    plan = launchd.install(Place(program=Path("/x/tandem"), home=launchd.HOME, account_number=499))
    made = [step.words[3:] for step in plan if isinstance(step, Run) and step.words[0] == "dscl"]
    assert made[0] == ("/Groups/_tandem",)
    assert ("/Users/_tandem", "UniqueID", "499") in made
    assert ("/Users/_tandem", "UserShell", "/usr/bin/false") in made
    assert plan[len(made) :] == without[:1] + plan[len(made) + 1 :]


def test_the_number_of_a_new_account_is_nobody_s() -> None:
    assert launchd.free_number("_www   70\n_one   499\nanna   501\n_two  498") == 497


def test_a_file_is_in_place_before_the_system_is_told_of_it() -> None:
    for system, told in ((systemd, "systemctl"), (launchd, "launchctl")):
        plan = system.install(place(system=system))
        first = next(number for number, step in enumerate(plan) if isinstance(step, Run) and step.words[0] == told)
        assert system.FILE in puts(plan[:first])


def test_what_was_put_in_is_taken_out_and_the_home_stays() -> None:
    for system in (systemd, launchd):
        put = set(puts(system.install(place(system=system))))
        removed = {step.path for step in system.uninstall() if isinstance(step, Remove)}
        assert put == removed
        assert not any(str(system.HOME) in line for line in lines(system.uninstall()))


def test_a_plan_can_be_read_and_typed() -> None:
    told = list(lines((Put(Path("/etc/x"), "a\nb\n"), Remove(Path("/a b")), Run(("echo", "a b"), may_fail=True))))
    assert told == ["# /etc/x", "a\nb", "", "$ rm -f '/a b'", "$ echo 'a b'   # may fail: there may be nothing to do"]


def test_a_plan_may_be_carried_out_twice_and_leaves_what_is_right_alone(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "unit"
    plan: Plan = (Put(file, "words\n"), Run(("cp", str(file), str(tmp_path / "copy"))), Run(("false",), may_fail=True))
    carry_out(plan, FakeClock())
    written = file.stat().st_mtime_ns
    carry_out(plan, FakeClock())
    assert (file.stat().st_mtime_ns, file.stat().st_mode & 0o777) == (written, 0o644)
    assert (tmp_path / "copy").read_text() == "words\n"
    carry_out((Remove(file), Remove(file)), FakeClock())
    assert not file.exists()


def test_the_first_step_that_fails_ends_it_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no such thing") as caught:
        carry_out((Run(("sh", "-c", "echo no such thing >&2; exit 3")), Put(tmp_path / "never", "")), FakeClock())
    assert caught.value.remedy
    assert not (tmp_path / "never").exists()


def test_a_system_that_is_still_busy_is_asked_again(tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/second || {{ test -e {tmp_path}/first && touch {tmp_path}/second; touch {tmp_path}/first; exit 1; }}"
    with pytest.raises(ServiceError):
        carry_out((Run(("sh", "-c", script), tries=2),), FakeClock())
    carry_out((Run(("sh", "-c", script), tries=2),), FakeClock())


def test_what_systemd_says_is_understood() -> None:
    told = systemd.standing("Result=watchdog\nMainPID=812\nNRestarts=2\nStatusText=Not ready: a=b.\nLoadState=loaded\n")
    assert (told.installed, told.pid, told.restarts, told.told, told.last_end) == (True, 812, 2, "Not ready: a=b.", "watchdog")
    assert not systemd.standing("Result=success\nMainPID=0\nNRestarts=0\nStatusText=\nLoadState=not-found\n").installed
    assert not systemd.standing("").installed


PRINTED = """system/com.tandem.appliance = {
\tactive count = 1
\tpath = /Library/LaunchDaemons/com.tandem.appliance.plist
\tstate = running

\tprogram = /opt/tandem/bin/tandem
\tendpoints = {
\t\tpid = 1
\t}

\truns = 3
\tpid = 812
\tlast exit code = 70: EX_SOFTWARE
}
"""


def test_what_launchd_says_is_understood() -> None:
    told = launchd.standing(PRINTED)
    assert (told.installed, told.pid, told.restarts, told.last_end) == (True, 812, 2, "70: EX_SOFTWARE")
    never = launchd.standing(
        PRINTED.replace("\tpid = 812\n", "").replace("70: EX_SOFTWARE", "(never exited)").replace("runs = 3", "runs = 0")
    )
    assert (never.installed, never.pid, never.restarts, never.last_end) == (True, 0, 0, "")
    assert not launchd.standing("").installed


def test_the_journal_is_asked_from_the_moment_on() -> None:
    assert systemd.log_command(1_795_000_000.5, follow=True)[1:] == (
        "--unit=tandem.service", "--since=@1795000000", "--no-pager", "--follow",
    )  # fmt: skip
    assert launchd.log_command(0.0, follow=False) == ()


def test_where_versions_lie_side_by_side_the_service_may_write_there_and_owns_them() -> None:
    versions = Path("/opt/tandem/versions")
    place = Place(program=Path("/opt/tandem/bin/tandem"), home=systemd.HOME, versions=versions)
    assert "ProtectSystem=strict\nReadWritePaths=/opt/tandem/versions\n" in systemd.unit(place)
    for system in (systemd, launchd):
        assert Run(("chown", "-R", f"{system.ACCOUNT}:{system.ACCOUNT}", str(versions))) in system.install(place)
        assert str(versions) not in str(system.install(Place(program=place.program, home=system.HOME)))

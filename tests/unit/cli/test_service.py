"""``tandem service`` as it is typed: what it says, what it refuses, and that looking needs no rights."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import click
import pytest

from appliance.care.service import launchd, systemd
from appliance.care.service.check import check
from appliance.care.service.plan import Place, ServiceError, Standing
from appliance.cli import service
from appliance.evals.bench.process import free_port
from appliance.ground.clock import SystemClock
from appliance.ground.errors import SettingsError
from appliance.ground.log import Log, configure
from appliance.panel.front import PanelServer, Probes

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="this machine has launchd, which is not asked to change anything in a test")


def tandem(*words: str, home: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "appliance", *(("--home", str(home)) if home else ()), "service", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    program = tmp_path / "venv" / "bin" / "tandem"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def _everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This interpreter may well lie in somebody's home."""
    monkeypatch.setattr(sys, "executable", "/usr/bin/true")


@LINUX
def test_what_would_be_done_is_said_and_nothing_is_done(tmp_path: Path) -> None:
    done = tandem("install", "--print", home=tmp_path / "desk")
    assert done.returncode == 0, done.stderr
    assert f"Environment=TANDEM_HOME={tmp_path / 'desk'}" in done.stdout
    assert f"ExecStart={service.sysconfig.get_path('scripts')}/tandem run" in done.stdout
    assert "$ systemctl enable tandem.service" in done.stdout
    assert not (tmp_path / "desk").exists()


@LINUX
@pytest.mark.parametrize("word", ["uninstall", "start", "stop", "restart"])
def test_each_change_can_be_looked_at_first(word: str) -> None:
    done = tandem(word, "--print")
    assert done.returncode == 0, done.stderr
    assert "systemctl" in done.stdout


@pytest.mark.usefixtures("_everywhere")
@pytest.mark.parametrize("folder", ["/home", "/Users", "/root"])
def test_a_program_in_a_person_s_own_folder_is_refused_with_where_to_install_it(folder: str) -> None:
    with pytest.raises(ServiceError, match="person's own folder") as caught:
        check(Place(program=Path(folder, "anna", "bin", "tandem"), home=systemd.HOME))
    assert "/opt/tandem" in caught.value.remedy


@pytest.mark.usefixtures("_everywhere")
def test_a_folder_with_other_things_in_it_is_never_taken_for_a_home(program: Path, tmp_path: Path) -> None:
    for home in (Path("/etc"), Path("/usr"), Path("/var"), Path("/"), program.parent):
        with pytest.raises(SettingsError, match="holds other things"):
            check(Place(program=program, home=home))
    (tmp_path / "desk").mkdir()
    check(Place(program=program, home=tmp_path / "desk"))
    (tmp_path / "desk" / "tandem.toml").touch()
    check(Place(program=program, home=tmp_path / "desk"))
    check(Place(program=program, home=tmp_path / "to be made"))


@pytest.mark.usefixtures("_everywhere")
def test_a_path_that_would_begin_a_new_line_of_the_unit_is_refused(program: Path) -> None:
    with pytest.raises(SettingsError, match="control characters"):
        check(Place(program=program, home=Path("/srv/x\nUser=root")))


@pytest.mark.usefixtures("_everywhere")
def test_a_program_that_is_not_there_is_told(program: Path) -> None:
    program.unlink()
    with pytest.raises(ServiceError, match="not there"):
        check(Place(program=program, home=systemd.HOME))


def test_a_machine_with_neither_is_told_what_to_do() -> None:
    assert (service.system_of("linux"), service.system_of("darwin")) == (systemd, launchd)
    with pytest.raises(ServiceError, match="freebsd") as caught:
        service.system_of("freebsd14")
    assert "tandem run" in caught.value.remedy


@LINUX
@pytest.mark.skipif(service.RUNS_SYSTEMD.is_dir(), reason="systemd runs here, and no test changes its services")
def test_without_systemd_it_says_so_and_changes_nothing(tmp_path: Path) -> None:
    done = tandem("restart")
    assert done.returncode == 1
    assert "systemd does not run on this machine" in done.stderr
    assert "tandem run" in done.stderr
    looked = tandem("status", "--json", home=tmp_path)
    assert looked.returncode == 1
    found = json.loads(looked.stdout)
    assert (found["system"], found["installed"], found["running"], found["ready"]) == ("systemd", False, False, False)


def test_without_root_the_exact_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(service, "_supervises", lambda: True)
    monkeypatch.setattr(sys, "argv", ["tandem", "--home", "/srv/the desk", "service", "install"])
    plan = systemd.install(Place(program=Path("/x"), home=systemd.HOME))
    with pytest.raises(ServiceError) as caught:
        service._do(systemd, plan, False)
    program = service.sysconfig.get_path("scripts") + "/tandem"
    assert caught.value.remedy == f"Run: sudo {program} --home '/srv/the desk' service install"


def test_the_log_of_errors_is_read_from_the_home(tmp_path: Path) -> None:
    configure(tmp_path / "logs", standard_error=False)
    try:
        Log("test").info("mail_taken_in")
        Log("test").error("mail_failed", mailbox="support")
    finally:
        configure(None)
    assert tandem("logs", "--errors", home=tmp_path).stdout.split(" ", 2)[2] == "error   mail_failed mailbox=support\n"
    whole = tandem("logs", "--json", home=tmp_path).stdout.splitlines()
    assert [json.loads(line)["event"] for line in whole] == ["mail_taken_in", "mail_failed"]


def test_a_home_without_a_log_and_a_time_that_is_none_are_told(tmp_path: Path) -> None:
    assert "no log" in tandem("logs", "--errors", home=tmp_path).stderr
    assert tandem("logs", "--since", "yesterday", home=tmp_path).returncode == 2


FOUND = {
    "system": "systemd", "installed": True, "running": True, "pid": 812, "since": 0.0, "restarts": 0, "ready": True, "told": "Ready.",
    "last_end": "", "home": "/var/lib/tandem", "node": None, "errors": [],
}  # fmt: skip


def test_the_status_says_what_runs_and_who_may_ask_more() -> None:
    told = service.as_lines(dict(FOUND), systemd)
    assert told[0] == "The service runs now as process 812, never started again by itself; its home is /var/lib/tandem."
    assert "only root and tandem may ask" in told[2]


def test_the_status_says_that_it_was_started_again_and_why_it_is_not_ready() -> None:
    told = service.as_lines(
        {**FOUND, "restarts": 2, "ready": False, "told": "Not ready: x.", "last_end": "watchdog", "errors": ["e"]}, systemd
    )
    assert "started again 2 times" in told[0]
    assert told[1] == "It last ended with: watchdog."
    assert "Not ready: x." in told[2]
    assert told[-1] == "e"


def test_the_status_of_one_that_is_stopped_or_not_there_says_how_to_change_that() -> None:
    assert "tandem service start" in service.as_lines({**FOUND, "running": False, "pid": 0, "ready": False}, systemd)[0]
    assert "tandem service install" in service.as_lines({**FOUND, "installed": False}, systemd)[0]


class Restarted:
    """A system that ends one process and begins another, as its own answers tell it; the answers come from a file, by a real command."""

    NAME, ACCOUNT, HOME = systemd.NAME, systemd.ACCOUNT, systemd.HOME
    standing = staticmethod(systemd.standing)

    def __init__(self, answers: Path) -> None:
        self.answers = answers
        self.QUESTION = ("cat", str(answers))
        self.says(0)

    def says(self, pid: int) -> None:
        self.answers.write_text(f"LoadState=loaded\nMainPID={pid}\nStatusText=Not ready: proof.\n")


def test_a_restart_waits_until_another_process_is_ready_and_says_how_long_that_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = Restarted(tmp_path / "answers")
    began = SystemClock().elapsed() - 100.0  # what the system took to stop the old one counts too
    ready = threading.Event()
    server = PanelServer(Probes(ready=ready.is_set))
    server.start("127.0.0.1", 0)
    try:
        (tmp_path / "tandem.toml").write_text(f"[panel]\nport = {server.port}\n")
        server.attach(nothing)
        ready.set()
        system.says(812)  # ready, and still the old one
        monkeypatch.setattr(service, "READY_SECONDS", 0.5)
        with pytest.raises(ServiceError, match="not ready after"):
            service._ready_or_not(system, tmp_path, Standing(installed=True, pid=812), "ready again", began)
        monkeypatch.setattr(service, "READY_SECONDS", 30.0)
        system.says(813)
        ready.clear()
        threading.Timer(0.5, ready.set).start()
        service._ready_or_not(system, tmp_path, Standing(installed=True, pid=812), "ready again", began)
        said = re.fullmatch(r"The service is ready again after (\d+\.\d) s, process 813\.\n", capsys.readouterr().out)
        assert said
        assert 100.9 <= float(said[1]) < 130.0  # with the half second of each wait
    finally:
        server.stop(2.0)


def test_one_that_does_not_get_ready_is_told_with_its_own_reason_and_the_newest_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(tmp_path / "logs", standard_error=False)
    Log("test").error("store_broken", reason="disk")
    configure(None)
    (tmp_path / "tandem.toml").write_text(f"[panel]\nport = {free_port()}\n")
    system = Restarted(tmp_path / "answers")
    system.says(813)
    monkeypatch.setattr(service, "READY_SECONDS", 0.1)
    with pytest.raises(ServiceError, match="Not ready: proof"):
        service._ready_or_not(system, tmp_path, Standing(installed=True), "ready", SystemClock().elapsed())
    assert "store_broken reason=disk" in capsys.readouterr().err


async def nothing(scope: object, receive: object, send: object) -> None:
    """An app that nobody asks."""


@LINUX
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another account's place")
def test_whoever_may_not_look_into_the_home_is_told_what_may_be_told_and_how_to_get_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = Path(tempfile.mkdtemp(dir="/var/tmp"))  # mode 700, root's; tmp_path lies below a folder that nobody may look into either
    try:
        (home / "logs").mkdir()
        context = click.Context(service.show_logs, obj=str(home))
        monkeypatch.setattr(service, "_supervises", lambda: False)
        service.facts(context, systemd)  # what it imports may lie where only root may look
        os.seteuid(65534)
        try:
            found = service.facts(context, systemd)
            with pytest.raises(ServiceError, match="may not read") as caught:
                context.invoke(service.show_logs, since="1h", errors=True, follow=False, as_json=False)
        finally:
            os.seteuid(0)
        assert (found["node"], found["errors"], found["home"]) == (None, [], str(home))
        assert "sudo" in caught.value.remedy
    finally:
        shutil.rmtree(home)

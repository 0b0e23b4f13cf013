"""Where the state lies, for a service and for a person."""

from pathlib import Path

import pytest

from appliance.settings.home import find_home

BY_HAND = {"HOME": "/home-of-anna"}
PROCESS = 4711


@pytest.mark.parametrize(
    ("environment", "platform", "home"),
    [
        ({"TANDEM_HOME": "/srv/desk", "STATE_DIRECTORY": "/var/lib/tandem"}, "linux", "/srv/desk"),
        ({"STATE_DIRECTORY": "/var/lib/tandem"}, "linux", "/var/lib/tandem"),
        ({"STATE_DIRECTORY": "/var/lib/tandem-b:/var/lib/other"}, "linux", "/var/lib/tandem-b"),
        ({"INVOCATION_ID": "8f3"}, "linux", "/var/lib/tandem"),
        ({"INVOCATION_ID": "8f3", "SYSTEMD_EXEC_PID": str(PROCESS)}, "linux", "/var/lib/tandem"),
        ({"INVOCATION_ID": "8f3", "SYSTEMD_EXEC_PID": "1"}, "linux", "/home-of-anna/.local/share/tandem"),
        ({"INVOCATION_ID": "8f3", "MANAGERPID": "900"}, "linux", "/home-of-anna/.local/share/tandem"),
        ({}, "linux", "/home-of-anna/.local/share/tandem"),
        ({}, "darwin", "/home-of-anna/.local/share/tandem"),
        ({"XPC_SERVICE_NAME": "com.example.tandem"}, "darwin", "/Library/Application Support/Tandem"),
        ({"XPC_SERVICE_NAME": "0"}, "darwin", "/home-of-anna/.local/share/tandem"),
    ],
)
def test_the_home_is_found_for_whoever_starts_the_program(environment: dict[str, str], platform: str, home: str) -> None:
    assert find_home({**BY_HAND, **environment}, platform, PROCESS) == Path(home)


def test_a_home_that_is_named_relatively_is_made_absolute() -> None:
    assert find_home({"TANDEM_HOME": "here"}).is_absolute()

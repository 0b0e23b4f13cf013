"""What must hold before a service is put in: it would run, and it would take nobody's folder away."""

import os
import sys
from pathlib import Path

from appliance.care.service.plan import Place, ServiceError
from appliance.ground.errors import SettingsError

PEOPLE = ("/home", "/root", "/run/user", "/Users", "/var/root")  # where a service's account may not look
OF_HOME = {"tandem.toml", "tandem.db"}  # one of these lies in every home that is more than empty


def check(place: Place) -> None:
    """Refuse what cannot work, or would do harm. Raises ``ServiceError`` or ``SettingsError``."""
    for path in (place.program, Path(sys.executable).resolve(), place.home):
        if any(path.is_relative_to(folder) for folder in PEOPLE):
            raise ServiceError(
                f"{path} lies in a person's own folder, where the service's account may not look.",
                "Install Tandem for the machine: python3 -m venv /opt/tandem, then /opt/tandem/bin/pip install tandem-appliance; "
                "and leave the home out, or name one outside.",
            )
        if any(ord(letter) < 32 for letter in str(path)):
            raise SettingsError(f"{str(path)!r} cannot be written into a service's file.", "Use a path without control characters.")
    if not os.access(place.program, os.X_OK):
        raise ServiceError(f"{place.program} is not there.", "Install Tandem again; the service runs that program.")
    _check_home(place.home)


def _check_home(home: Path) -> None:
    """Everything in the home becomes the service's: it must not be somebody else's folder."""
    try:
        found = {entry.name for entry in home.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(f"The home {home} cannot be looked at ({error.strerror}).", "Run the command as root: with sudo.") from error
    if found and not found & OF_HOME:
        raise SettingsError(f"{home} holds other things, and no appliance's.", "Name an empty folder, or one that tandem init has filled.")

"""Where the files that travel with the program lie: templates, prompts, lexicons, the sample company, the service's files.

In a checkout they are the folders ``web/``, ``models/``, ``packaging/demo/``, ``systemd/`` and ``launchd/``; in a wheel they lie below
``appliance/share/``.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_IN_WHEEL = _PACKAGE / "share"
_CHECKOUT = {"web": "web", "models": "models", "demo": "packaging/demo", "systemd": "systemd", "launchd": "launchd"}


def asset(kind: str) -> Path:
    """The folder of one kind of asset: ``web``, ``models``, ``demo``, ``systemd`` or ``launchd``."""
    packed = _IN_WHEEL / kind
    return packed if packed.is_dir() else _PACKAGE.parent / _CHECKOUT[kind]

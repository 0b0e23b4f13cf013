"""Where the files that travel with the program lie: templates, prompts, lexicons, the sample company.

In a checkout they are the folders ``web/``, ``models/`` and ``packaging/demo/``; in a wheel they lie below ``appliance/share/``.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_IN_WHEEL = _PACKAGE / "share"
_CHECKOUT = {"web": "web", "models": "models", "demo": "packaging/demo"}


def asset(kind: str) -> Path:
    """The folder of one kind of asset: ``web``, ``models`` or ``demo``."""
    packed = _IN_WHEEL / kind
    return packed if packed.is_dir() else _PACKAGE.parent / _CHECKOUT[kind]

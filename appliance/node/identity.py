"""Which node this is: an id made once and kept in the home."""

from pathlib import Path

from appliance.ground.files import write_atomically
from appliance.ground.ids import new_id

FILE_NAME = "node"


def node_id(home: Path) -> str:
    """The id of the node whose home this is; made at the first call."""
    file = home / FILE_NAME
    if not file.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, new_id("n").encode("ascii"))
    return file.read_text(encoding="ascii").strip()

"""Which node this is: a name that people can say, made once and kept in the home."""

from pathlib import Path

from appliance.ground.files import write_atomically
from appliance.ground.ids import new_id, random_bytes

FILE_NAME = "node"
NAMES = (
    "aamu", "aalto", "halla", "harju", "hilla", "ilta", "kaari", "kaiku", "kallio", "kanto", "karhu", "kielo", "koivu", "koski",
    "kuura", "lahti", "lampi", "lumi", "meri", "niemi", "otava", "pilvi", "pyry", "ranta", "routa", "saari", "sampo", "sula",
    "taiga", "tuuli", "utu", "vuono",
)  # fmt: skip


def node_id(home: Path) -> str:
    """The name of the node whose home this is, such as ``kallio-7m9q``; made at the first call.

    A word for people, and four random characters so that two machines of one pair do not share it.
    """
    file = home / FILE_NAME
    if not file.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{NAMES[random_bytes(1)[0] % len(NAMES)]}-{new_id('n')[-4:]}"
        write_atomically(file, name.encode("ascii"))
    return file.read_text(encoding="ascii").strip()

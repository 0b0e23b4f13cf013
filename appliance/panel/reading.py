"""Reading one case, or saying that there is none."""

import re

from appliance.panel.door import Commands
from appliance.panel.problems import not_found
from appliance.records.case import CaseFile

_CASE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def case_file(commands: Commands, case: str) -> CaseFile:
    """The file of this case. Raises a problem when there is none, without asking the store about what can be no id."""
    file = commands.file(case) if _CASE_ID.fullmatch(case) else None
    if file is None:
        raise not_found("case of that number")
    return file

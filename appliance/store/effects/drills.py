"""A fault was rehearsed. What the record says stands in the journal; the table says where."""

from appliance.records.events import DrillBegan, DrillRan
from appliance.store.effects.tables import Tables

_BEGAN = "INSERT INTO drills (id, what, sandbox, began, ran, ok, at) VALUES (?, ?, ?, ?, 0, 0, ?)"


def drill_began(to: Tables, event: DrillBegan) -> None:
    to.execute(_BEGAN, (event.drill, event.what, int(event.sandbox), to.position, event.at))


def drill_ran(to: Tables, event: DrillRan) -> None:
    to.execute("UPDATE drills SET ran = ?, ok = ?, at = ? WHERE id = ?", (to.position, int(event.ok), event.at, event.drill))

"""The cases: all of them, newest first, by state and by words."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import QueryParameter

from appliance.panel.frame import Call, Panel
from appliance.panel.routes import page
from appliance.records.case import SEARCHED_MOST, CaseState

A_PAGE = 50

# What a person calls a state; several of the machine's states are one to them.
GROUPS: dict[str, tuple[CaseState, ...]] = {
    "open": (CaseState.ARRIVED, CaseState.LISTENING, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING),
    "review": (CaseState.REVIEW,),
    "uncertain": (CaseState.UNCERTAIN,),
    "routed": (CaseState.ROUTED,),
    "replied": (CaseState.REPLIED,),
    "closed": (CaseState.CLOSED,),
    "dead": (CaseState.DEAD,),
}
StateWish = Annotated[
    str, QueryParameter(name="state", max_length=20, description="One of: open, review, uncertain, routed, replied, closed, dead.")
]
TextWish = Annotated[str, QueryParameter(name="text", max_length=200, description="Words that sender, subject and text must all hold.")]
BeforeWish = Annotated[str, QueryParameter(name="before", max_length=64, description="Cases older than this one.")]


def routes(panel: Panel) -> list[Any]:
    @page("/cases", action="see_cases", summary="The list of cases")
    def cases(request: Call, group: StateWish = "", text: TextWish = "", before: BeforeWish = "") -> Response[bytes]:
        text = text.strip()
        rows = panel.commands.rows(GROUPS.get(group), limit=A_PAGE + 1, before=before or None, text=text)
        counts = panel.commands.counts()
        return panel.page(
            request,
            "cases.html",
            rows=rows[:A_PAGE],
            older=rows[A_PAGE - 1].id if len(rows) > A_PAGE else "",
            state=group if group in GROUPS else "",
            text=text,
            before=before,
            groups=[(name, sum(counts.get(member, 0) for member in members)) for name, members in GROUPS.items()],
            total=sum(counts.values()),
            searched=SEARCHED_MOST,
        )

    return [cases]

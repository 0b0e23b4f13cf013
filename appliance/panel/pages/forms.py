"""What the pages' forms carry, checked before a handler sees it, and the redirect that answers each of them."""

from typing import Annotated, Any

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from msgspec import Meta

from appliance.panel.frame import Call, session_of
from appliance.records.base import Record
from appliance.records.work import File

FORM: Any = Body(media_type=RequestEncodingType.URL_ENCODED)
FORM_WITH_FILES: Any = Body(media_type=RequestEncodingType.MULTI_PART)
FORM_BYTES_MOST = 12 * 1024 * 1024  # what the store lets go along with a reply, and the reply
REPLY_LENGTH_MOST = 50_000
COMMENT_LENGTH_MOST = 4_000
Short = Annotated[str, Meta(max_length=200)]


class LeverForm(Record):
    """``on`` is what the lever is to become."""

    name: Short
    on: bool
    csrf: str = ""


class DecisionForm(Record):
    """What a person decided about a case in review. ``seen`` is the print of the draft that they had before them."""

    decision: Short
    seen: Short = ""
    text: Annotated[str, Meta(max_length=REPLY_LENGTH_MOST)] = ""
    comment: Annotated[str, Meta(max_length=COMMENT_LENGTH_MOST)] = ""
    team: Short = ""
    csrf: str = ""
    files: Any = None  # one, several, or "" for a field that was left empty

    def enclosed(self) -> tuple[File, ...]:
        """The files to go along."""
        given = self.files if isinstance(self.files, list) else [self.files]
        uploads = (one for one in given if isinstance(one, UploadFile))
        return tuple(File(name=one.filename, media_type=one.content_type, data=one.file.read()) for one in uploads)


class UncertainForm(Record):
    """What a person found out about a reply that may have been sent. ``looked``: they say that they looked before sending again."""

    decision: Short
    looked: bool = False
    csrf: str = ""


class EraseForm(Record):
    """Whose words are to be destroyed; the address stands twice, so that it is no slip."""

    address: Annotated[str, Meta(max_length=320)]
    again: Annotated[str, Meta(max_length=320)]
    csrf: str = ""


class PlainForm(Record):
    """A button that says everything by being pressed."""

    csrf: str = ""


class TryForm(Record):
    """Which mailbox to try."""

    mailbox: Short
    csrf: str = ""


def redirect(to: str) -> Response[bytes]:
    """After a form: look at the outcome. Loading that page again repeats nothing."""
    return Response(b"", status_code=303, headers={"location": to})


def notice(request: Call, key: str, **gaps: str) -> None:
    """A sentence for the next page of this browser."""
    session = session_of(request)
    if session is not None:
        session.notice = (key, gaps)

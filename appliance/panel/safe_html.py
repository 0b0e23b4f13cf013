"""A customer's HTML, shown without being trusted.

It was sanitised when it arrived. Here it is put into a document of its own, in a frame without scripts, forms, pictures
from outside or links that lead anywhere; the policy in its headers holds even if the sanitiser had let something through.
"""

from appliance.language.html import sanitise

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"
)
FRAME_HEADERS: dict[str, str] = {"content-security-policy": _POLICY, "x-frame-options": "SAMEORIGIN", "referrer-policy": "no-referrer"}
_HEAD = (
    '<!doctype html><html><head><meta charset="utf-8"><title>Message</title>'
    "<style>body{font:15px/1.5 system-ui,sans-serif;margin:16px;overflow-wrap:anywhere;color:#1c2128;background:#fff}"
    "img{max-width:100%;height:auto}table{max-width:100%}</style></head><body>"
)


def frame_page(html: str) -> bytes:
    """The document for the frame. Sanitised once more: by today's rules, not by those of the day the mail came in."""
    return f"{_HEAD}{sanitise(html)}</body></html>".encode()

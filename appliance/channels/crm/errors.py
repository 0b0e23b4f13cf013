"""What can go wrong on the way to the CRM.

ChannelError
└── CrmError          the CRM could not be told; ``code`` is one of the reasons of a push
    └── BadSecret     the secret that pushes are signed with cannot be used
"""

from appliance.ground.errors import ChannelError
from appliance.records.push import PushResult

_FAULTS: dict[str, tuple[str, str]] = {
    "connect": ("cannot be reached", "Check crm.url, the network and the firewall; it is tried again by itself."),
    "certificate": ("shows a certificate that is not believed", "Renew it, or name the authority that signed it under crm.authorities."),
    "timeout": ("did not answer in time", "Look at the CRM; crm.timeout_seconds says how long it may take."),
    "dropped": ("broke off before its answer had come", "Look at the CRM's log; it is tried again by itself."),
    "bad_answer": ("gave an answer that no CRM gives", "Open crm.url: something else may answer there, such as a page to sign in on."),
    "too_long": ("sent an answer without an end", "Open crm.url: something else may answer there."),
    "server_error": ("has an error of its own", "Look at the CRM's log; it is tried again by itself."),
    "too_many": ("asks to be told more slowly", "Nothing to do: it is tried again after the pause that it asked for."),
    "sign_in": ("does not believe the signature", "Compare the secret in crm.secret_file with the CRM's."),
    "moved": ("points to another address, which is not followed", "Name the new address under crm.url, if it is yours."),
    "not_found": ("knows no such address", "Correct crm.url."),
    "gone": ("wants no pushes at this address any more", "Set the webhook up there anew, or set crm.enabled to false."),
    "refused": ("refuses this push", "Look at the document on the case's page, and in the CRM's log for why."),
    "secret": ("cannot be told: the secret to sign with cannot be used", "Write whsec_ and base64 into crm.secret_file, chmod 600."),
}


class CrmError(ChannelError):
    """The CRM could not be told of a case. The push waits, or was given up for a person to try again."""


class BadSecret(CrmError):
    """The secret that pushes are signed with is none: ``whsec_`` and the base64 of 24 to 64 bytes."""

    code = "crm_secret"


def fault_of(result: PushResult) -> CrmError | None:
    """What the health page says after a try; None when it went well, or nothing was sent."""
    if result.reason not in _FAULTS:
        return None
    what, remedy = _FAULTS[result.reason]
    code = f" (HTTP {result.response_code})" if result.response_code else ""
    return CrmError(f"The CRM {what}{code}.", remedy, code=f"crm_{result.reason}")

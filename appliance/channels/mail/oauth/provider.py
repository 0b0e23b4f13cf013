"""The providers and what each wants to be asked."""

from dataclasses import dataclass, field
from typing import Literal

ProviderName = Literal["microsoft", "google"]

_ANY_TENANT = "organizations"  # any work or school account; personal accounts have no IMAP by this sign-in
_SCOPES: dict[ProviderName, str] = {
    "microsoft": "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
    "google": "https://mail.google.com/",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where a mailbox's user signs in, and as which client. ``client_secret`` is "" where the provider asks for none."""

    name: ProviderName
    device_url: str
    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    authorities: str = ""

    @property
    def scope(self) -> str:
        return _SCOPES[self.name]

    def device_request(self) -> dict[str, str]:
        """RFC 8628, 3.1."""
        return {"client_id": self.client_id, "scope": self.scope}

    def code_request(self, device_code: str) -> dict[str, str]:
        """RFC 8628, 3.4."""
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return self._as_client({"grant_type": grant, "device_code": device_code})

    def refresh_request(self, refresh_token: str) -> dict[str, str]:
        """RFC 6749, 6. Without a scope: the one that was granted stays."""
        return self._as_client({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _as_client(self, form: dict[str, str]) -> dict[str, str]:
        secret = {"client_secret": self.client_secret} if self.client_secret else {}
        return {"client_id": self.client_id, **secret, **form}


def microsoft(client_id: str, tenant: str = "", url: str = "", *, secret: str = "", authorities: str = "") -> Provider:
    """Microsoft 365. ``url`` instead of the usual address, as for a national cloud; ``tenant`` "" lets any work account in."""
    base = f"{(url or 'https://login.microsoftonline.com').rstrip('/')}/{tenant or _ANY_TENANT}/oauth2/v2.0"
    return Provider(
        name="microsoft",
        device_url=f"{base}/devicecode",
        token_url=f"{base}/token",
        client_id=client_id,
        client_secret=secret,
        authorities=authorities,
    )


def google(client_id: str, secret: str, url: str = "", *, authorities: str = "") -> Provider:
    """Google Workspace and Gmail."""
    base = (url or "https://oauth2.googleapis.com").rstrip("/")
    return Provider(
        name="google",
        device_url=f"{base}/device/code",
        token_url=f"{base}/token",
        client_id=client_id,
        client_secret=secret,
        authorities=authorities,
    )

"""Whom we talk to without listeners: TLS with the certificate checked, or this very machine."""

import ipaddress
import ssl

from appliance.channels.mail.errors import Untrusted


def on_this_machine(host: str) -> bool:
    """Whether the host is loopback by name or number. No name is looked up: a resolver must not decide about encryption."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def trusted(mailbox: str, authorities: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, certificate and host name checked, whatever the system's defaults are.

    ``authorities``: a PEM file of authorities to trust instead of the system's, "" for those.
    """
    try:
        context = ssl.create_default_context(cafile=authorities or None)
    except (OSError, ValueError) as error:
        raise Untrusted(
            mailbox,
            f"the file of certificate authorities {authorities} cannot be used ({error}).",
            "It must be a PEM file with at least one certificate.",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

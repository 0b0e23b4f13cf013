"""How the CRM is told of a case, whatever it is told by."""

from typing import Protocol

from appliance.records.push import Push, PushResult


class Crm(Protocol):
    """The CRM. One thread at a time."""

    def deliver(self, push: Push) -> PushResult:
        """Send the document of one push, once. Never raises for what the network or the CRM does: the result says it.

        Whatever is not ``synced`` may have arrived all the same, so the same push is sent again under the same id.
        """
        ...

"""What an engine must be told about words. The language room has it; the node hands it in, since neighbours do not know each other."""

from typing import Protocol

from appliance.records.language import Code


class Words(Protocol):
    """Text into words, sentences, numbers and names. ``appliance.language.words`` as a module satisfies this."""

    def tokens(self, text: str) -> list[str]:
        """The words in lower case, in order."""
        ...

    def stems(self, text: str, code: Code) -> list[str]:
        """The words cut to their stems, in order."""
        ...

    def content_stems(self, text: str, code: Code) -> list[str]:
        """The stems of the words that carry a topic."""
        ...

    def sentences(self, text: str) -> list[str]:
        """The sentences, in order; no word is lost."""
        ...

    def numbers(self, text: str) -> list[str]:
        """Every number, price, date and time in one normal form."""
        ...

    def unsupported_numbers(self, claim: str, evidence: str) -> list[str]:
        """The numbers of the claim that the evidence does not bear out."""
        ...

    def names(self, text: str) -> list[str]:
        """Names and product codes."""
        ...

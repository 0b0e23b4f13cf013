"""Why a source could not be used."""

from appliance.ground.errors import KnowledgeError


class SourceUnreadable(KnowledgeError):
    """The source could not be read. The passages from its last good read stay in use.

    ``code`` is what the journal keeps: ``source_missing``, ``source_locked``, ``source_unreachable``,
    ``source_too_large``, ``source_broken``, ``source_kind_unknown`` or ``source_empty``.
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.code = code


class SkeletonError(KnowledgeError):
    """A skeleton could not be written."""

"""What each event does to the tables: the only way that they change.

    apply(connection, position, term, event)

looks at no clock and asks for no randomness, so a standby that applies the same entries, or a replay into an empty database, comes
to the same tables. Whatever was decided stands in the event; nothing is decided here.
"""

from collections.abc import Callable
from typing import Any

from appliance.records.events import (
    AnsweredElsewhere,
    CaseAssigned,
    CaseClaimed,
    CaseEscalated,
    CaseNoted,
    CaseReleased,
    CaseReopened,
    CaseSettled,
    CasesReplaced,
    ChatAddressGiven,
    ChatClosed,
    ChatOpened,
    CustomerErased,
    DecisionUndone,
    DeliveryDied,
    DeliveryPutOff,
    DeliverySent,
    DeliveryStarted,
    DeliveryUncertain,
    DraftRemoved,
    DrillBegan,
    DrillRan,
    EscalationSeen,
    Event,
    IntakeAcknowledged,
    KeyIssued,
    KeyRevoked,
    MessageReceived,
    PersonSet,
    PersonWanted,
    ReviewDecided,
    SessionEnded,
    SessionOpened,
    SessionUsed,
    SourceFailed,
    SourceRefreshed,
    SwitchSet,
    TermBegan,
    UncertaintyResolved,
    WordsExpired,
)
from appliance.store.effects import chats, desk, drills, elsewhere, escalations, expiry, house, intake, outbox, people, work
from appliance.store.effects.tables import Tables
from appliance.store.sqlite import Connection


def apply(connection: Connection, position: int, term: int, event: Event) -> None:
    """Do to the tables what the event says. An unknown event raises ``KeyError``: it is never skipped."""
    EFFECTS[type(event)](Tables(connection, position, term), event)


EFFECTS: dict[type[Event], Callable[[Tables, Any], None]] = {
    MessageReceived: intake.message_received,
    IntakeAcknowledged: intake.intake_acknowledged,
    CaseClaimed: desk.case_claimed,
    CaseReleased: desk.case_released,
    CaseSettled: desk.case_settled,
    ReviewDecided: desk.review_decided,
    DeliveryStarted: outbox.delivery_started,
    DeliverySent: outbox.delivery_sent,
    DeliveryPutOff: outbox.delivery_put_off,
    DeliveryDied: outbox.delivery_died,
    DeliveryUncertain: outbox.delivery_uncertain,
    UncertaintyResolved: outbox.uncertainty_resolved,
    SwitchSet: house.switch_set,
    SourceRefreshed: house.source_refreshed,
    SourceFailed: house.source_failed,
    KeyIssued: house.key_issued,
    KeyRevoked: house.key_revoked,
    CustomerErased: house.customer_erased,
    TermBegan: house.term_began,
    WordsExpired: expiry.words_expired,
    CasesReplaced: expiry.cases_replaced,
    PersonSet: people.person_set,
    SessionOpened: people.session_opened,
    SessionUsed: people.session_used,
    SessionEnded: people.session_ended,
    ChatOpened: chats.chat_opened,
    ChatClosed: chats.chat_closed,
    PersonWanted: chats.person_wanted,
    ChatAddressGiven: chats.chat_address_given,
    DecisionUndone: work.decision_undone,
    CaseAssigned: work.case_assigned,
    CaseNoted: work.case_noted,
    CaseReopened: work.case_reopened,
    AnsweredElsewhere: elsewhere.answered_elsewhere,
    DraftRemoved: elsewhere.draft_removed,
    CaseEscalated: escalations.case_escalated,
    EscalationSeen: escalations.escalation_seen,
    DrillBegan: drills.drill_began,
    DrillRan: drills.drill_ran,
}

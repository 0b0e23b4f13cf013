"""Why a node may or may not act, in one English sentence per code. The codes are translated where people read them."""

SENTENCES: dict[str, str] = {
    "leads": "This node leads; the peer stands by and holds everything.",
    "peer_catches_up": "This node leads; the peer is still catching up.",
    "leads_solo": "The peer is lost; this node holds the lease by the witness and works alone.",
    "leads_unwitnessed": "The peer is lost and no witness is configured; this node led before and goes on.",
    "witness_lost": "This node leads with the peer's word; the witness does not answer, so nobody can take over by itself.",
    "forced": "This node took over by a person's word; messages that carry a claim are held.",
    "lease_ended": "Neither the peer nor the witness has confirmed the lease; nothing is sent until one of them does.",
    "handing_over": "This node is handing over; nothing new starts.",
    "stands": "This node is asking to lead.",
    "follows": "The other node leads; this one stands by.",
    "rules_differ": (
        "The two machines have different settings for the witness or the lease; neither takes over by itself before they are alike."
    ),
    "no_leader_yet": "Both nodes see each other and are agreeing on a leader.",
    "not_joined": "This node has not yet received everything from the other one.",
    "peer_never_seen": "The other node has not been seen since this one started; it waits for the other node or a person.",
    "waits_for_person": "The other node is lost and no witness is configured; a person must say that the other one is switched off.",
    "promise_runs": "The other node is silent, but its lease may still run.",
    "not_in_sync": "The other node is lost, and the witness says that it holds newer entries.",
    "peer_and_witness_lost": "Neither the other node nor the witness can be seen.",
    "clock_went_back": "This machine's clock went back; the node starts again.",
}

CODES: tuple[str, ...] = tuple(SENTENCES)

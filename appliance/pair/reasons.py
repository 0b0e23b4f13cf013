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

REMEDIES: dict[str, str] = {
    "leads_solo": "See what is wrong with the other machine: until it is back, nobody steps in if this one stops too.",
    "leads_unwitnessed": "See what is wrong with the other machine. Do not take over there while this one runs.",
    "witness_lost": "Mail goes on. Bring the witness back: until then nobody takes over by itself.",
    "forced": "See what is wrong with the other machine. What may have been answered there is held for a person.",
    "lease_ended": "Check the network between the machines and to the witness. Work goes on by itself.",
    "rules_differ": "Make witness and lease_seconds under [pair] in tandem.toml alike on both, and start both again.",
    "peer_never_seen": "Switch the other machine on. If it is broken or gone, take over with this one.",
    "waits_for_person": "Switch the other machine on; or, if it is surely switched off, take over with this one.",
    "not_in_sync": "Switch the other machine on: it has messages that this one lacks. Take over only if it will not come back.",
    "peer_and_witness_lost": "Check the network of this machine. Work goes on by itself when one of them is seen.",
    "clock_went_back": "Nothing: this node starts again by itself.",
}
"""What to do where a node stands alone. A code that is not here is as it should be, or passes by itself within seconds."""

CODES: tuple[str, ...] = tuple(SENTENCES)

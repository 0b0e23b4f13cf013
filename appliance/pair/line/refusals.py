"""Why a node will not talk to another: the codes that travel, with a sentence and a remedy for each.

The words are for whoever *was refused*. The panel has words of its own in three languages; these stand in the log and on the
command line.
"""

from collections.abc import Mapping

REFUSALS: Mapping[str, tuple[str, str]] = {
    "wrong_pair": (
        "The other node belongs to another pair.",
        "Look at both with: tandem pair status; pair them anew if they shall be one.",
    ),
    "unknown_node": (
        "The other node does not know this node's certificate.",
        "Pair the two anew: it was paired with another node since, or this one got a new certificate.",
    ),
    "foreign_certificate": (
        "Another machine answers at the peer's address: its certificate is not the one from the pairing.",
        "Check the address. If the peer was set up anew, pair the two again.",
    ),
    "twin": (
        "Two machines claim to be the same node.",
        "One of them runs from a copied home folder: stop it, and set it up as a node of its own.",
    ),
    "too_old": (
        "This node speaks an older language than the other node understands.",
        "Upgrade Tandem on this node.",
    ),
    "too_new": (
        "This node speaks a newer language than the other node understands.",
        "Upgrade Tandem on the other node.",
    ),
    "busy": (
        "The other node is busy with as many lines as it takes.",
        "It is tried again by itself.",
    ),
    "not_leading": (
        "The other node does not lead, so it cannot do this.",
        "It is tried again by itself when one of the two leads.",
    ),
    "no_such_service": (
        "The other node does not offer this.",
        "Run the same version of Tandem on both nodes.",
    ),
    "not_empty": (
        "The node that is to join has customers' messages of its own already.",
        "Join with an empty home, or start the pairing from the node that has the messages.",
    ),
    "wrong_code": (
        "The code is not the one that the other node shows.",
        "Read it once more; after three wrong codes it shows a new one.",
    ),
    "no_pairing": (
        "The other node is not waiting to be paired.",
        "Start the pairing there first, and type the code within two minutes.",
    ),
    "failed": (
        "The other node ran into an error of its own.",
        "See errors.log in the logs folder of the other node's home.",
    ),
}

UNKNOWN = ("The other node refuses, for a reason that this version does not know.", "Run the same version of Tandem on both nodes.")

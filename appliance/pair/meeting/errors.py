"""What can go wrong while two nodes become a pair, or with what they keep of it.

MeetingError                what is kept of the pair cannot be used
├── MembershipDamaged       home/pair/membership
├── KeptLost                home/pair/kept
└── Twin                    this home was copied from another machine
PairingRefused              the two do not become a pair; its code is one of REASONS
"""

from types import MappingProxyType

from appliance.ground.errors import Refused, TandemError


class MeetingError(TandemError):
    """What a node keeps of its pair cannot be used."""


class MembershipDamaged(MeetingError):
    """The file that says which pair this node is in cannot be read, written or understood."""

    code = "membership_damaged"


class KeptLost(MeetingError):
    """What the node had promised its peer is not known any more, so it may not vote."""

    code = "kept_lost"


class Twin(MeetingError):
    """The home belongs to a node on another machine: two of one name would each take the other's word for its own."""

    code = "twin"


_AGAIN = "Show a new code on the node that has the data and type it on the other one."

REASONS = MappingProxyType({
    "wrong_code": ("The code is not the one that the other node shows, or somebody stands between the two.", "Type it once more."),
    "malformed_code": ("A code has eight digits.", "Type it as the other node shows it, such as 1234 5678."),
    "expired": ("The code is older than two minutes.", _AGAIN),
    "void": ("The code is void: a wrong one was typed three times, or it was taken back.", _AGAIN),
    "no_pairing": ("The other node shows no code at the moment.", _AGAIN),
    "busy": ("The other node is talking to somebody else about this code.", "Try again in a few seconds."),
    "itself": ("The node that was found is this very node.", "Name the address of the other one."),
    "twin": (
        "Both nodes have the same name: the home folder of one was copied from the other.",
        "Start the joining node with an empty home folder; it takes over everything when it joins.",
    ),
    "too_old": ("The joining node's Tandem is too old to talk with the other one.", "Update the joining node first."),
    "too_new": ("The joining node's Tandem is too new to talk with the other one.", "Update the node that shows the code first."),
    "not_empty": (
        "The joining node has cases of its own, and joining would lose them.",
        "Let the node with the data show the code, and join with an empty home folder.",
    ),
    "paired": ("The node that shows the code is in a pair already.", "Leave that pair first: tandem pair leave"),
    "other_pair": ("The joining node is in a pair already.", "Leave that pair on it first: tandem pair leave"),
    "wrong_certificate": ("The other node's certificate is not the one it speaks with.", "Start both nodes anew and pair them again."),
    "bad_message": ("The other side said something that is no part of pairing.", "Check that it is a Tandem, and of the same version."),
    "cannot_save": ("The node that shows the code could not write down the pair.", "Look at its disk and log, then try again."),
    "unreachable": ("Nobody answers at that address.", "Check that the other node runs, and the address and port."),
    "lost": (
        "The line was lost before both had agreed.",
        "Join again with the same code while it holds. If the other node says by then that it is in a pair: tandem pair leave, there.",
    ),
})  # fmt: skip
"""Why two nodes do not become a pair, and what to do: code, sentence, remedy."""


class PairingRefused(Refused):
    """The two do not become a pair. ``tries_left`` is told after a wrong code, and -1 otherwise."""

    def __init__(self, code: str, tries_left: int = -1) -> None:
        known = code if code in REASONS else "bad_message"
        message, remedy = REASONS[known]
        super().__init__(message, _tries(tries_left) if known == "wrong_code" and tries_left >= 0 else remedy, code=known)
        self.tries_left = tries_left
        self.gaps = MappingProxyType({"tries": str(tries_left)} if tries_left >= 0 else {})


def _tries(left: int) -> str:
    if left == 0:
        return f"That was the last try. {_AGAIN}"
    return f"Type it once more; {left} {'try is' if left == 1 else 'tries are'} left."

"""What can go wrong with the folder that clips are dropped into.

ChannelError
└── ClipsUnusable    the folder cannot be read, or a handled clip cannot be moved away
"""

from appliance.ground.errors import ChannelError


class ClipsUnusable(ChannelError):
    """The watched folder cannot be used. What was taken in is safe; the rest waits where it lies."""

    code = "clips_folder"

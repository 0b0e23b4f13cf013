"""What the leader holds, the standby holds too: entries, their sealed words, keys, files.

The intuition. The standby dials and says where its journal ends. The leader agrees with it on the newest entry that both have, and
sends everything after it: from its disk until the standby has caught up, then each transaction the moment it is written, before
the leader's own flush, so that both disks flush at the same time. The standby answers with the position that is on its disk, and
only what both have flushed is acknowledged to anybody (``shipping``, ``following``).

Whatever does not fit ends the line and changes nothing. A journal that forked is never mended here: where the two part is found
by bisection and told (``agreeing``); a standby that is empty or far behind is told to fetch the whole database (``seeding``).
Files beside the database go by their digests (``files``). Now and then both count everything that they hold and compare
(``digests``), for a disk may lie.
"""

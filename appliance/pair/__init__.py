"""Two nodes, one appliance.

The intuition. Only one of two machines may answer a mail, and neither can see whether a silent one is dead or merely out of sight.
So nobody leads by being alive; one leads by a **lease**: "for the next three seconds I support you and nobody else", renewed
several times a second. Whoever gave it waits until it has run out, and whoever holds it stops a little earlier, by its own clock.
Then no message has to arrive for the old leader to stop; silence is enough.

With two voices, each alone is half, and half is no majority. The **witness** is the third voice, small enough to live in a mailbox
folder: it is asked only when the peer is silent, and remembers who leads and whether the other node holds every acknowledged entry.
A node that may lack something is not given the lead.

Words arrive late, twice and out of order, and a machine that slept still believes what it knew. Therefore each leadership has a
number, its **term**, written to disk before it is used and never used again: whatever comes from an earlier term is refused, and a
leader that starts anew is a standby like any other.

A person may make a node leader that lacks what the other did alone. Then the journal cannot say what was answered, and the claim in
the mailbox must: no reply leaves for a message without one, in whichever way it came in (``permission.turn``).

Two nodes must play by the same **rules**: which witness, and how long a lease. One that leads without a witness does not stop for one
that takes over by it. So each says its rules in every heartbeat, and a peer with others is nobody's voice until they are alike.

All this is one pure function, ``lease.step``: what I know and what I heard, to what I know and what to do. It has no clock, no
network and no disk, so seeded worlds can try it many thousand times (``tests/pair``).

What this is not. It is not a consensus library: two nodes and one witness, one leader, nothing else. It does not make sending
exact: a process that is stopped between the last question and the data of a mail may still send it, which is why a reply is
journalled as *sending* on both nodes first and never repeated by itself. And it believes two things that it cannot check: that the
clock counts the time a machine sleeps, and that a person who says "the other one is switched off" is right where there is no
witness, or each node has another.
"""

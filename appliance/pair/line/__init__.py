"""The line between the two nodes: who is at the other end, what is said in frames, and heartbeats beside it.

Two ways lead to the peer, on one port number. The **line** (``wire``, ``listener``) is a TCP connection under TLS 1.3 for whatever
must arrive whole and in order: entries, files, commands, pairing. The **datagrams** carry heartbeats, of which any may be lost: under
30 % loss a TCP stream falls silent for minutes, and a datagram every 300 ms does not (measured).

Who is at the other end is a question of one certificate, which was exchanged when the nodes were paired (``certificate``). No
authority vouches for anybody. What this is not: a shield against whoever owns one of the machines, for there lies its key.
"""

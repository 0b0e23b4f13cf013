"""The third voice: who it is, how it is asked, and what keeps a stranger from speaking for it.

Two twins answer one protocol (``protocol.Witness``): a tiny process on a third machine (``tcp_server``, ``tcp_client``), and a folder
of the mailbox that both nodes read anyway (``mail_book`` is its pure part). Both answer by ``pair.witness_record.answer``.

What a wrong answer would cost: "granted" to two nodes is two senders. "Refused", or no answer, costs waiting for a person. So
whatever is unclear here (a message is missing, a file is damaged, a key does not fit) is no answer, or an empty record, which
grants nothing.
"""

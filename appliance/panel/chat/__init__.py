"""The customers' chat: an app of its own on a port of its own, with no way to the panel or its API.

Whoever comes here is nobody the appliance knows. There is no sign-in and no cookie: a conversation has a secret, which its page
sends in a header. What a customer may do goes through the same commands of the node as everything else.
"""

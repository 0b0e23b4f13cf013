"""The chat: how a customer's message arrives from a web page, and how a reply gets back there."""

"""Two nodes in network namespaces of their own, with a mail server, a witness, and everything that can go wrong between them."""

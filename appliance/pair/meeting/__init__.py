"""How two nodes become a pair, what each keeps of it, and where the other may be reached."""

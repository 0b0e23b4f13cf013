"""Real mail servers as children of the test run, each with its own folder and ports on the loopback, ended by process id."""

"""The HTTP API, one file per thing a program can do: ``routes(panel)`` gives what Litestar is to serve."""

"""The pages, one file each: ``routes(panel)`` gives what Litestar is to serve."""

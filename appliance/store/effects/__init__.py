"""What each event does to the tables, a file for each part of the work; ``store/apply.py`` holds the list."""

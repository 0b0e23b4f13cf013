"""Puts one machine together: build, roles, loops, schedule, lifecycle, and the commands that people and programs give it."""

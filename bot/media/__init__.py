"""Fetch hostile bytes, check their structure, decode them where they can do no harm.

Nothing is imported here: the decode workers import parts of this room, and must stay small.
"""

"""Errors that agents report: found in text, known again by their fingerprint, counted, and whose they are. Returns what
is to be done; only `dispatch` does it.
"""

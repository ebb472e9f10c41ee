"""Our keys of a mail that goes to another host of the link, or came from one."""

LINK = "link"
"""`host`, the other one; `envelope`, the id that the mail travels by; `record`, the file of the sender's own record."""
BECAME = "became"
"""In the sender's record: what the other host has told of it, by state."""
ID_DIGITS = 8
"""Digits of the envelope's id that are the id of the mail there: so it is known before it is delivered."""

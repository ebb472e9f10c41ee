"""Frozen values: everything that moves through the program is one of these.

Dataclasses; msgspec's structs where thousands are made a second.
"""

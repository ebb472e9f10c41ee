"""Frozen values, standard library only. Everything that moves through the program is one of these."""

"""Dialogs and sheets over a view."""

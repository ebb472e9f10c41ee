"""File mailboxes, identity, dispatch and supervision for AI agents that share a project.

Files are the only bus: no daemon, no server, no database. The `mailcore` command and every agent use this library;
it imports no user interface and starts in tens of milliseconds.
"""

"""Files change → facts → an immutable Fleet → states. Looks, and never acts: nothing here writes to a workspace."""

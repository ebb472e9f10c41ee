"""When the operator is wanted: the conditions, the episodes, who notifies of them, and where that is heard."""

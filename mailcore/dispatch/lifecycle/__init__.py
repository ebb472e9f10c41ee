"""How a run begins and what follows its end: the sender is notified, the branch freed, the next start begun."""

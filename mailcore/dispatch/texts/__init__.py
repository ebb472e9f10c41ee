"""What is written to agents and senders: the prompts, and the mails about the end of a run."""

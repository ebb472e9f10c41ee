"""All that is known of agent programs, one file each: command line, outcome, and what their lines mean."""

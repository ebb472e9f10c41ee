"""The accounts of agent programs, and the usage limits that they are known to have."""

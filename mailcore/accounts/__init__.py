"""The accounts of agent programs: where their credentials and sessions lie, and the usage limits that they have."""

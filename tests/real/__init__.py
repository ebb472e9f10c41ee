"""The real agent programs against loopback stubs of their services. Opt-in: see CONTRIBUTING."""

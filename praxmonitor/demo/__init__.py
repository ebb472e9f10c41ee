"""A real workspace with real processes and no AI account. Nothing outside this package knows it, save `__main__`."""

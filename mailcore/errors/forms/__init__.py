"""How the tools and languages print their errors, one file each."""

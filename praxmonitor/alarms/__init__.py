"""When the operator is wanted, why, since when, and what to do; what of it was told, and what was answered."""

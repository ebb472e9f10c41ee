"""Where dispatch meets AIPass: its runs, register and switches, and the record of what it did (contract section 4)."""

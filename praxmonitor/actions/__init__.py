"""Every action of the screen: the table, its keys, and what each asks of mailcore."""

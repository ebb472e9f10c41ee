"""Starts that wait: the queue of each agent, and the locks under which it is changed."""

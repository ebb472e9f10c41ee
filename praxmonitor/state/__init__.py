"""What the screen shows at one moment: a snapshot of the fleet with every state, the details of one agent, notices."""

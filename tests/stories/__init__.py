"""Stories for the alarms: what happened, second by second, and which alarms it must raise."""

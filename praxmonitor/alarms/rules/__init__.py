"""The conditions that are alarms, one file for each family. Pure."""

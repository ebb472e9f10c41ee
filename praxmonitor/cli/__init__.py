"""The subcommands of `praxmonitor`, one file each, imported when used."""

"""Where fleets come from: live files, or a recording with its clock."""

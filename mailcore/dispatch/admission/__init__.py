"""Whether a start may begin now: holds, breakers, daily caps, the depth of nesting, limits of runs at once."""

"""The records of runs: their list, their story, their end, the lock of a branch, tasks that are not answered."""

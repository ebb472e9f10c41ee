"""Tests of mailcore: real files, real locks, real processes."""

"""The forms that files are written in: JSON, journals of JSON lines, times, digests."""

"""Each screen owns its layout and its actions; none imports another."""

"""Data that has to fit a JSON Schema: both are strangers' text, read within bounds, and compared in a bounded child."""

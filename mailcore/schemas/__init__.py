"""Data that must fit a JSON Schema: both are strangers' text, read within bounds and compared in a child that is too."""

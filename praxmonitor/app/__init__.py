"""The Textual App and the parts that it is made of."""

"""Topics: what is published in one comes to each who subscribes to it, on every host of the link, as mail, once."""

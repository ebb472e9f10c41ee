"""The link between hosts: the server, who belongs to it, and the process that carries. Needs the extra `link`."""

"""What agents' programs ask their person for before they do it: the requests, the policies, and the answers."""

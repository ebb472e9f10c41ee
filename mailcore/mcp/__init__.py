"""The verbs for agents and people that speak MCP."""

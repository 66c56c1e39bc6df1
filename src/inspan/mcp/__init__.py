"""The Model Context Protocol: the verbs of Control as tools for agents, by lines of JSON."""

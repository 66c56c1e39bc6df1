"""A model endpoint on loopback that plays a script; it knows model APIs and no agent."""

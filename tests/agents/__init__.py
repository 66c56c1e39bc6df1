"""The real agents: how each is installed and driven, and the model endpoint that they talk to."""

"""What the whole terminal shows at a time."""

"""``inspan tui``: the screens for a person at a terminal, a guest of Control.

Only this room imports Textual, and only ``inspan tui`` imports this room.
"""

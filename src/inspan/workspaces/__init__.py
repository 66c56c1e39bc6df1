"""Where attempts work: in the folder they came from, in one of their own, or in a worktree."""

"""Git as inspan runs it: no hook, filter, pager, prompt or network of the repository's choosing."""

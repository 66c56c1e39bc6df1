"""The emulators of others, behind the protocol of ``terminal.screen``; they know no session."""

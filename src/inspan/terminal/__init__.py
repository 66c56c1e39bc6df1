"""What terminals print: reading recordings, exporting them, and making text safe to show."""

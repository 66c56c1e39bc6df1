"""What a person is asked in the middle of something; each dialog gives one value, or none."""

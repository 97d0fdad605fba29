"""What describes and times a run. The recorder and the dump need the standard library alone."""

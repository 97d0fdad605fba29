"""One suite on many runners: split into shards, measured apart, decided together."""

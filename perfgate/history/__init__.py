"""Results over time: append-only files in a folder, a bucket or on a branch, read with DuckDB."""

"""A text-to-video and a text-to-image pipeline, faithful in structure and small in size."""

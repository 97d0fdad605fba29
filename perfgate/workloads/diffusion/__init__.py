"""Text-to-video and text-to-image pipelines: the structure of real models, at several sizes."""

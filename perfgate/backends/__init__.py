"""What executes a case. A backend is one file here and one line in ``registry``."""

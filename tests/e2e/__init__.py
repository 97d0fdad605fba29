"""The real parts together; see conftest.py for what they need."""

"""The error rates of the decision rule and of its peers on one simulated noise."""

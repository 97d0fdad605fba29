"""One step of a causal convolution over a pool of states, in the three dialects that are spoken."""

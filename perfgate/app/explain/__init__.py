"""Why a case got slower: profiler captures of both sides, taken apart from all gated launches."""

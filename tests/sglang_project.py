"""A project that keeps its baselines in a file of sglang's: its suite and that file."""

SUITE = """\
version: 1
baselines: {format: sglang, files: {"cpu-*": ci/perf.json}, state: perfgate/}
cases:
  - {id: wan, backend: command, command: "true"}
  - {id: flux, backend: command, command: "true"}
"""
FILE = """{\r
    "metadata": {"hardware": "CI pool"},\r
    "scenarios": {\r
        "zimage": {"expected_e2e_ms": 5, "of tomorrow": 1.50},\r
        "wan": {\r
            "stages_ms": {"DenoisingStage": 800.0, "DecodingStage": 150.0},\r
            "denoise_step_ms": {"0": 400.0, "1": 400.00},\r
            "expected_e2e_ms": 1000.0,\r
            "expected_avg_denoise_ms": 400.0,\r
            "expected_median_denoise_ms": 400.0,\r
            "notes": "ask first"\r
        }\r
    }\r
}\r
"""

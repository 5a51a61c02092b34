"""The benchmarks: every number that the project claims, beside its baselines."""

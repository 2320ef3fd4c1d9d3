"""The plant's history written to files: reproducible by seed, as fast as the machine allows (S2)."""

"""`trunkline simulate`: suites in YAML files run from a terminal or in CI, replayed, and cases made of real calls."""

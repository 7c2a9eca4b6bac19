"""What scripts/fleet is made of: a declarative tool that keeps one fleet as its state file says."""

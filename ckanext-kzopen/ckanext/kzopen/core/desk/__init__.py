"""The staff's shell: one address, a registry of desks, and what waits for whom."""

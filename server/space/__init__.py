"""The address space: standard nodes, and those of the fleet that exist while somebody looks."""

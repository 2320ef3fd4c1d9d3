"""What the methods of the address space do."""

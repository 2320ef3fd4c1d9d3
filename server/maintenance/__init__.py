"""What is done to the plant: replaced jars, capacity tests, the log book of a simulated plant (R9)."""

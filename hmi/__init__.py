"""The operator's web pages: an OPC UA client of the server, and nothing else."""

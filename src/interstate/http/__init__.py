"""The door: bytes from sockets to the engine and back. Knows protocols and addresses, decides nothing else."""

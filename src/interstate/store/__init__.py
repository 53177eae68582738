"""What must survive: the ports, the records with their tables, and one engine a dialect."""

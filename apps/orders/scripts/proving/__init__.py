"""What the proofs share: a stage of real processes, a proxy that drops and stalls, a PostgreSQL of their own, a stall meter."""

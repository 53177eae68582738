"""The companies that the order system works with, simulated: payment provider, carriers, message gateway.

Each is an HTTP service of its own with the faults that real ones have, by rate and by seed, and with a ledger that says what it
truly did: the ledger, not our own tables, is what ``orders verify`` believes about money, parcels and messages.
"""

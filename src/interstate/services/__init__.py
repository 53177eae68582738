"""Operations: load, decide, save. Plain synchronous code over a ``Work``; see ``operation.py`` for the contract."""

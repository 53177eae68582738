"""What the order functions share: the words of an order and how it is kept. Pure but for ``keep`` and ``partner``."""

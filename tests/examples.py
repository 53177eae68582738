"""How many examples a property that names a number of its own draws."""

from hypothesis import settings


def examples(whole: int) -> int:
    """``whole`` of them; in the quick check a quarter at most, as its profile does for all others."""
    return min(whole, max(10, whole // 4)) if settings.default is settings.get_profile("quick") else whole

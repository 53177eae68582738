"""Why a pattern is refused."""


class PatternError(Exception):
    """The text is no event pattern.

    ``reason`` is worded as AWS words it, the place in the text included; each API puts its own words before it
    ("Event pattern is not valid. Reason: ...", "Invalid parameter: FilterPolicy: ...").
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

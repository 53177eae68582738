"""How far the items of a distributed Map have been read."""

import msgspec


class Cursor(msgspec.Struct, frozen=True):
    """``taken`` items were read; the next one begins at ``offset`` (of the text ``body``, of ``size`` bytes), or after ``key`` (of a list).

    ``headers`` are a CSV's. ``file`` counts those of the ``files`` of ``manifest`` (a body, too) that were opened. ``pairs``: the items are names and values of an object.
    ``many``: they come from file after file, of a manifest or of a list. ``lines``: the text has been made JSON Lines. ``end``: there are no more.
    """

    taken: int = 0
    body: int = 0
    size: int = 0
    offset: int = 0
    key: str = ""
    headers: list[str] = []
    file: int = 0
    files: int = 0
    manifest: int = 0
    end: bool = False
    opened: bool = False
    pairs: bool = False
    many: bool = False
    lines: bool = False

"""What the backend's process and the script's share: numbers, and which spans arrived. A file mapped by both, so that
either side reads and writes without asking the other."""

import mmap

# A bit for each span of a trace, in 32 bits for each trace. The file is sparse: what is not used takes nothing.
TRACES = 1 << 26
NUMBERS = 512

_NAMES = (
    # Switches, which the script sets and the backend obeys.
    "down",  # 1: nobody listens, and open connections are closed
    "refuse_percent",  # answered with 429, 502, 503 or 504, and not recorded
    "retry_after",  # seconds that half of these tell
    "slow_milliseconds",  # before each answer, up to this, at random
    "reset_percent",  # the connection is reset when half of the body has been read
    "partial_percent",  # recorded, and answered with a partial success that rejects nothing and warns
    # Figures, which the backend counts.
    "connections",
    "requests",  # recorded
    "refused",
    "reset",
    "spans",  # recorded, second arrivals too
    "duplicates",  # second arrivals of a span
    "foreign",  # spans with ids that this run does not make
    "harmed",  # spans that are not as they were sent
    "unreadable",  # requests that are no trace requests
)


class Board:
    """The numbers are attributes."""

    def __init__(self, path, create=False):
        self.path = path
        with open(path, "w+b" if create else "r+b") as file:
            if create:
                file.truncate(NUMBERS * 8 + 2 * TRACES * 4)
            self._map = mmap.mmap(file.fileno(), 0)
        whole = memoryview(self._map)
        self._numbers = whole[: NUMBERS * 8].cast("q")
        masks = whole[NUMBERS * 8 :].cast("I")
        # By trace: a bit for each span that arrived, and one for each that did so with another user than its trace's.
        self.arrived, self.misnamed = masks[:TRACES], masks[TRACES:]

    def __getattr__(self, name):
        if name not in _NAMES:
            raise AttributeError(name)
        return self._numbers[_NAMES.index(name)]

    def __setattr__(self, name, value):
        if name in _NAMES:
            self._numbers[_NAMES.index(name)] = value
        else:
            super().__setattr__(name, value)

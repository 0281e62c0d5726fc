"""How fast to ask: the limit that the user sets, and the one that the server shows."""

from __future__ import annotations

_MOST = 64
_START = 12
# What queueing may add to latency, in seconds, before the window stops growing, and before it shrinks.
_LITTLE = 0.001
_MUCH = 0.004
_FADE = 1.0001


class Bucket:
    """A token bucket: `rate` requests a second, `burst` at once. Times are any monotonic clock's seconds."""

    __slots__ = ("_burst", "_rate", "_tokens", "_when")

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._when = float(burst), 0.0

    def wait(self, now: float) -> float:
        """Take a token and return 0.0, or return the seconds until there is one."""
        grown = max(0.0, now - self._when) * self._rate
        self._tokens, self._when = min(float(self._burst), self._tokens + grown), now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate


class Window:
    """How many requests may be under way at once.

    It grows while latency holds, shrinks a little when requests begin to queue, and by half when the server is
    overrun: so a server far away is kept as busy as a near one, and none is overrun.
    """

    __slots__ = ("_best", "_calm_after", "_least", "_most", "_size", "_smooth", "most")

    def __init__(self, most: int | None = None) -> None:
        self.most = most or _MOST
        self._most = float(self.most)
        # A slow kind of request is no reason to send fewer than this; only a server that says so is.
        self._least = self._size = min(float(_START), self._most)
        self._best = self._smooth = 0.0
        self._calm_after = 0.0

    @property
    def size(self) -> int:
        """The number of requests that may be under way, at least 1."""
        return int(self._size)

    def answered(self, latency: float) -> None:
        """Take note of an answer after `latency` seconds."""
        if not self._best:
            self._best = self._smooth = latency
        # The best fades slowly: what was quick once (sys/health) must not judge slow collections for ever.
        best = self._best * _FADE
        self._best = best = min(latency, best)
        self._smooth = smooth = self._smooth + (latency - self._smooth) / 16
        if smooth <= 1.5 * best + _LITTLE or self._size < self._least:
            self._size = min(self._most, self._size + self._step())
        elif smooth > 2.0 * best + _MUCH:
            self._size = max(self._least, self._size - 1 / self._size)

    def overrun(self, now: float) -> None:
        """Take note that the server refused or lost a request for being too busy; `now` is a monotonic clock's."""
        # Once a round trip: the answers of one full window all tell of the same trouble.
        if now >= self._calm_after:
            self._size = max(1.0, self._size / 2)
            self._calm_after = now + max(self._smooth, 0.05)

    def _step(self) -> float:
        """One more for each answer (which doubles the window in a round trip) until the first overrun."""
        return 1 / self._size if self._calm_after else 1.0

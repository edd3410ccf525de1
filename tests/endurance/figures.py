"""What an endurance run found: samples over time, lines through them, and how they are told."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

from tests.endurance.clients import PER_DAY
from tests.endurance.face import Vitals

WARM_UP = 0.25
"""Share of a run that is left out: caches fill, the tokenizer and the history come in."""


@dataclass(frozen=True)
class Sample:
    """One look: seconds since the start, requests written by then, the process."""

    at: float
    requests: int
    vitals: Vitals


@dataclass
class Run:
    """One app beside clients that work at ``speed`` times the real rate."""

    speed: float
    samples: list[Sample] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    """Seconds from an append to its figure on the terminal."""
    unseen: int = 0
    """Appends whose figure never came."""
    stale: list[str] = field(default_factory=list)
    """Sessions whose newest figure was not on the screen in the end."""
    screen: str = ""
    """What stood there instead."""
    acts: int = 0
    exit_code: int | None = None
    traceback: str = ""

    @property
    def warm(self) -> list[Sample]:
        """The samples after the warm-up."""
        after = self.samples[-1].at * WARM_UP
        return [sample for sample in self.samples if sample.at >= after]

    @property
    def growth(self) -> tuple[float, float]:
        """Bytes a second after the warm-up, and its standard error."""
        return fitted([(each.at, each.vitals.memory) for each in self.warm])

    @property
    def per_request(self) -> float:
        """Bytes that one request more came to, all growth put down to requests."""
        return fitted([(each.requests, each.vitals.memory) for each in self.warm])[0]

    @property
    def processor(self) -> float:
        """Share of a core over the whole run."""
        first, last = self.samples[0], self.samples[-1]
        return (last.vitals.processor - first.vitals.processor) / (last.at - first.at)

    @property
    def per_day(self) -> float:
        """Bytes that a day of people's work would add, all growth put down to requests."""
        return self.per_request * PER_DAY

    @property
    def without_a_break(self) -> float:
        """Bytes that 24 hours would add in which nobody ever rests, all put down to time."""
        return self.growth[0] * 86_400 / self.speed

    def told(self) -> list[tuple[str, str]]:
        """Names and figures; hardly any of an app that ended at once."""
        if not self.samples:
            return [("exit code", str(self.exit_code))]
        first, last, warm = self.samples[0], self.samples[-1], self.warm
        slope, error = self.growth
        spread = sorted(self.latencies)
        return [
            ("length", f"{last.at / 60:.1f} min, {self.acts} acts"),
            ("requests", f"{last.requests - first.requests}"),
            ("memory", f"{mb(first)} -> {mb(warm[0])} warm -> {mb(last)}, peak {peak(self)}"),
            ("memory slope", f"{slope * 3600 / 1e6:+.2f} MB/h (+-{error * 3600 / 1e6:.2f})"),
            ("a request more", f"{self.per_request:+.0f} B"),
            ("a day at 1x", f"{self.per_day / 1e6:+.1f} MB for {PER_DAY:.0f} requests"),
            ("24 h without a break", f"{self.without_a_break / 1e6:+.1f} MB"),
            ("file descriptors", span([each.vitals.descriptors for each in warm])),
            ("threads", span([each.vitals.threads for each in warm])),
            ("child processes", span([each.vitals.children for each in warm])),
            ("processor", f"{self.processor:.1%} of a core"),
            ("append to terminal", latency(spread) + f", {self.unseen} unseen"),
            ("figures not current", ", ".join(self.stale) or "none"),
            ("exit code", str(self.exit_code)),
        ]


def fitted(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope of the line through points by least squares, and its standard error; 0 for too few."""
    if len(points) < 3 or len({x for x, _ in points}) < 2:
        return 0.0, 0.0
    xs, ys = [x for x, _ in points], [y for _, y in points]
    slope, start = statistics.linear_regression(xs, ys)
    middle = statistics.fmean(xs)
    off = sum((y - start - slope * x) ** 2 for x, y in points) / (len(points) - 2)
    return slope, math.sqrt(off / sum((x - middle) ** 2 for x in xs))


def mb(sample: Sample) -> str:
    """Memory of a sample."""
    return f"{sample.vitals.memory / 1e6:.1f} MB"


def peak(run: Run) -> str:
    """The most memory it ever had."""
    return mb(max(run.samples, key=lambda sample: sample.vitals.memory))


def span(counts: list[int]) -> str:
    """Least, most and last of some counts."""
    return f"{min(counts)} to {max(counts)}, {counts[-1]} in the end"


def latency(spread: list[float]) -> str:
    """Median and 95th percentile of sorted seconds."""
    if not spread:
        return "not measured"
    median, late = statistics.median(spread), spread[max(0, math.ceil(0.95 * len(spread)) - 1)]
    return f"median {median * 1000:.0f} ms, p95 {late * 1000:.0f} ms over {len(spread)}"

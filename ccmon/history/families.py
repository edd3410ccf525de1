"""Which of the sessions that wait to be accounted belong together.

A fork or a resume has responses of other sessions, and all of these have to be accounted together:
one by one, each new member of a family would have all of it accounted again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from ccmon.history.seen import Seen

TOGETHER = 4
"""Sessions that are accounted in one go: more would take more memory, fewer more statements."""


class Groups:
    """Names that belong together, as far as that was told."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._above

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._above))

    def root(self, name: str) -> str:
        """The one that stands for all that belong to a name; a new name is alone."""
        above = self._above.setdefault(name, name)
        while above != name:
            further = self._above[above]
            self._above[name] = further
            name, above = above, further
        return name

    def join(self, one: str, other: str) -> None:
        """Two names belong together."""
        first, second = self.root(one), self.root(other)
        if first != second:
            self._above[second] = first


class Families:
    """The sessions of files that were read since the last look, by their families."""

    def __init__(self) -> None:
        self._groups = Groups()
        self._first_in: dict[int, str] = {}
        self._accounted: set[str] = set()

    def meet(self, session: str, seen: Seen) -> None:
        """Note whose responses a file of a session has."""
        join = self._groups.join
        for response in seen.responses:
            # The hash will do: two families that are taken for one get the same accounts.
            first = self._first_in.setdefault(hash(response.message_id), session)
            if first != session:
                join(first, session)
            if response.claim is not None:
                join(session, response.claim)
            if response.guess is not None:
                join(session, response.guess)

    def accounted(self, sessions: Collection[str]) -> None:
        """Note that some have been accounted."""
        self._accounted.update(sessions)

    def batches(self, waiting: Collection[str], *, reading: bool) -> Iterator[list[str]]:
        """Sessions to be accounted in one go: whole families.

        While files are still being ``reading``, a large family that was accounted already is left
        out: it may grow further.
        """
        root = self._groups.root
        grown = Counter(map(root, self._accounted)) if reading else Counter()
        families: dict[str, list[str]] = {}
        for session in waiting:
            families.setdefault(root(session), []).append(session)
        batch: list[str] = []
        for name, family in families.items():
            if grown[name] > TOGETHER:
                continue
            batch += family
            if len(batch) >= TOGETHER:
                yield batch
                batch = []
        if batch:
            yield batch

"""Messages between the pump, the app and its screens."""

from textual.message import Message

from ccmon.snapshot import Snapshot


class SnapshotReady(Message):
    """A new snapshot; one that waits in the queue gives way to a newer one."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """A snapshot holds everything, so an older one need not be shown."""
        return isinstance(message, SnapshotReady)

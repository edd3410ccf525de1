"""A terminal driver that ends at once."""

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver


class QuickDriver(LinuxDriver):
    """Does not wait for its input thread when the app ends.

    Textual joins that thread, which looks up from its waiting only every tenth of a second and
    then waits once more. When the app ends, so does the process, and the thread with it. Suspending
    (ctrl+z) goes on in this process and waits as before.
    """

    def disable_input(self) -> None:
        """Stop reading keys."""
        if self._app.return_code is not None:
            self._key_thread = None
        super().disable_input()


def quicker(usual: type[Driver]) -> type[Driver]:
    """The quick driver in the place of Textual's usual one; any other as it is."""
    return QuickDriver if usual is LinuxDriver else usual

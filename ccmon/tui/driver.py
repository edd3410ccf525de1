"""A terminal driver that ends at once."""

import asyncio
import os
import sys

from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver


class QuickDriver(LinuxDriver):
    """Does not wait for its input thread when the app ends, and draws where the terminal is.

    Textual joins that thread, which looks up from its waiting only every tenth of a second and
    then waits once more. When the app ends, so does the process, and the thread with it. Suspending
    (ctrl+z) goes on in this process and waits as before.

    Textual draws on stderr; where that is redirected, stdout is the terminal.
    """

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        redirected = sys.__stderr__ is None or not sys.__stderr__.isatty()
        if redirected and sys.__stdout__ is not None:
            self._file = sys.__stdout__

    @property
    def is_cut_off(self) -> bool:
        """Whether the terminal has gone away.

        Most processes get SIGHUP then; one that has left its session does not, and Textual would
        read nothing from it over and over, as fast as it can.
        """
        return not os.isatty(self.fileno)

    def _sigcont_application(self, *_: object) -> None:
        if self._must_signal_resume or not self._auto_restart:
            super()._sigcont_application()
        else:
            # SIGSTOP cannot be caught: what it stopped still has its threads and the terminal. Not
            # here: what the signal interrupts may hold the lock of what is still to be written.
            asyncio.get_running_loop().call_soon_threadsafe(self._take_back)

    def _take_back(self) -> None:
        """Let go of the terminal and take it again: somebody else may have had it."""
        if self._app.return_code is None:
            self.suspend_application_mode()
            self.resume_application_mode()

    def disable_input(self) -> None:
        """Stop reading keys."""
        if self._app.return_code is not None:
            self._key_thread = None
        super().disable_input()


def quicker(usual: type[Driver]) -> type[Driver]:
    """The quick driver in the place of Textual's usual one; any other as it is."""
    return QuickDriver if usual is LinuxDriver else usual

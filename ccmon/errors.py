"""The one exception that users see."""


class CcmonError(Exception):
    """A failure that the user can act on: one line, a hint, an exit code.

    ``exit_code`` follows the command line: 2 wrong use or configuration,
    3 nothing to read.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

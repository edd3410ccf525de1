"""Hours of use of the screens, in a real terminal beside sessions that grow; see ``__main__``."""

"""Makes the recording that ``ccmon --demo`` plays. Everything in it is invented.

``figures`` holds the numbers, ``texts`` the words and code, ``records`` the
shape of transcript lines, ``sessions`` the three stories.
"""

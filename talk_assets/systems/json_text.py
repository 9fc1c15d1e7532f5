"""What has to be put right in JSON before it is read, so that one odd text does not stop a feed."""

import re

# Quickly tells that there can be something: most answers hold no such escape.
_SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]")
# From left to right: a whole pair, half a pair, any other escape (`\\ud83d` is a backslash and a word).
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_REPLACEMENT = rb"\ufffd"


def whole_characters(content: bytes) -> bytes:
    """The same JSON with U+FFFD for every half of a character: a system that cuts texts by length cuts emoji in two.

    Half a character is no text: it can neither be stored nor sent.
    """
    if _SUSPECT.search(content) is None:
        return content
    return _ESCAPES.sub(lambda found: _REPLACEMENT if found[1] else found[0], content)

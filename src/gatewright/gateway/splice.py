"""Joins what one provider says to what another has said before it: what it says again is cut away.

A model that is asked to go on where a text stops may say some of it again: its last words, to find its way, or all of
it from the beginning. Both are one thing: the text that was said ends with words that the new one begins with. A model
that begins anew in other words cannot be told from one that goes on. Pure.
"""

OVERLAP = 16
"""Characters of the shortest overlap that is taken for a repeat.

Words, indentations, and the rules and cells of tables follow themselves within fewer than that without being said
again. What is cut away wrongly is lost unseen, while a few letters too many can be seen: so rather too long than short.
"""

WHOLE = 4
"""The same of all that was said: a model that begins anew repeats it, however little it is."""


class Splice:
    """The beginning of a text that goes on with another, held back while it can still be a repeat.

    Args:
        said: the text it goes on with.
    """

    def __init__(self, said: str) -> None:
        self._said = said
        self._from = self._to = 0  # where in it stands what is held, the first time

    def feed(self, more: str) -> str | None:
        """More of the new text.

        Returns:
            All of it so far but for the repeat, and then no more need be fed; None while it is held back.
        """
        said = self._said
        if said.startswith(more, self._to):
            self._to += len(more)
        else:
            new = said[self._from : self._to] + more
            place = said.find(new, self._from)
            if place < 0:
                return self._cut(new)
            self._from, self._to = place, place + len(new)
        return None if self._to < len(said) else self._cut(said[self._from :])

    def end(self) -> str:
        """What is held when there is no more of the new text."""
        held = self._said[self._from : self._to]
        if self._from == 0 and len(held) >= OVERLAP:
            return ""  # it began anew, and ended before it came further
        return self._cut(held)

    def _cut(self, new: str) -> str:
        said = self._said
        size = overlap(said, new)
        return new[size:] if size >= OVERLAP or size >= len(said.lstrip()) >= WHOLE else new


def overlap(said: str, new: str) -> int:
    """How many characters the longest text has that the one ends with and the other begins with; in linear time.

    By the failure function of Knuth, Morris and Pratt ("Fast pattern matching in strings", 1977).
    """
    if new.startswith(said):
        return len(said)
    borders, size = [0] * len(new), 0
    for place in range(1, len(new)):
        while size and new[place] != new[size]:
            size = borders[size - 1]
        size += new[place] == new[size]
        borders[place] = size
    size = 0
    for letter in said[-len(new) :] if new else "":
        while size and (size == len(new) or letter != new[size]):
            size = borders[size - 1]
        size += letter == new[size]
    return size

"""Whether a JSON value says anything: what says nothing can be left out and nothing is lost."""

from typing import Any

_EMPTY = (None, "")
_IDLE = (None, "", 0)  # and so False


def tells(found: Any, *, answered: bool) -> bool:
    """Whether a value says something; a list or an object does when anything inside does.

    Args:
        found: the value.
        answered: whether it is of an answer, where no count of none says something, nor who speaks.
    """
    waiting = [found]  # and no recursion, for a value may be nested deeply
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += (one for key, one in value.items() if not (answered and key == "role"))
        elif isinstance(value, list):
            waiting += value
        elif value not in (_IDLE if answered else _EMPTY):
            return True
    return False

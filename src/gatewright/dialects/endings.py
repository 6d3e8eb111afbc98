"""Why an answer ended, between a wire's own words and those of the conversation."""

from collections.abc import Mapping
from dataclasses import dataclass

from gatewright.dialects.conversation import Finish


@dataclass(frozen=True, slots=True)
class Endings:
    """The words of one API.

    Attributes:
        finishes: what its words mean; any other is `other`.
        reasons: its word for each meaning.
    """

    finishes: Mapping[str, Finish]
    reasons: Mapping[Finish, str]

    def finish(self, reason: str) -> Finish:
        """Why an answer ended, from the wire's word."""
        return self.finishes.get(reason, "other")

    def reason(self, why: Finish | None, own: str | None = None, *, called: bool = False) -> str:
        """The wire's word to show.

        Args:
            why: why the answer ended; None where the wire did not say.
            own: this API's own word, where the answer came from it.
            called: a tool was called; some providers then still say `stop`.
        """
        if own is not None and self.finish(own) == why:
            return own
        return self.reasons["tool_calls" if called and why in (None, "stop", "other") else why or "stop"]

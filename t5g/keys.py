"""The names of everything kept in Redis: one place, so that every key has an owner."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names below one prefix (two installations may share a Redis)."""

    prefix: str = "t5g:"

    @property
    def epoch(self) -> str:
        """Random text made with the data: another text means another history."""
        return f"{self.prefix}epoch"

    @property
    def sequence(self) -> str:
        """Number of the newest entry of the change feed."""
        return f"{self.prefix}seq"

    @property
    def feed(self) -> str:
        """Capped stream of changes; ids are `0-SEQUENCE`… see `t5g.store`."""
        return f"{self.prefix}feed"

    @property
    def cases(self) -> str:
        """Set of all numbers that have a case hash."""
        return f"{self.prefix}cases"

    def case(self, number: str) -> str:
        """Hash of one case: a field for each source."""
        return f"{self.prefix}case:{number}"

    def sync(self, name: str) -> str:
        """Hash: the record of a sync (state, counts, times, progress)."""
        return f"{self.prefix}sync:{name}"

    def lock(self, name: str) -> str:
        """Lock of one holder, with a time to live."""
        return f"{self.prefix}lock:{name}"

    def pattern(self, rest: str) -> str:
        """Return the pattern, for SCAN, of keys that go on with `rest` after the prefix."""
        return re.sub(r"([\\*?\[\]^])", r"\\\1", self.prefix) + rest

    def named(self, *parts: str) -> str:
        """Any other key, by its parts."""
        return self.prefix + ":".join(parts)

"""Guards every walk from page to page: it comes to an end, whatever the server answers."""

from t5g.errors import UpstreamError

MOST_PAGES = 2_000


class Walk:
    """One walk over the pages of `what`, such as "the comments", of an upstream."""

    def __init__(self, service: str, what: str, *, most: int = MOST_PAGES) -> None:
        self._service, self._what, self._most = service, what, most
        self._pages = 0
        self._seen = set[str]()

    def turn(self, *marks: str) -> None:
        """Take note of a page by what is on it, or by the cursor that leads to the next one.

        Raises UpstreamError if all of that was there before, or if there are too many pages. An
        empty page has no marks.
        """
        self._pages += 1
        if marks and self._seen.issuperset(marks):
            raise UpstreamError(self._service, f"a page of {self._what} came again and again")
        if self._pages > self._most:
            raise UpstreamError(
                self._service, f"there are more than {self._most} pages of {self._what}"
            )
        self._seen.update(marks)

    def came(self, rows: int, total: int | None) -> None:
        """Raise UpstreamError if the walk ended with fewer rows than there are (None: not told)."""
        if total is not None and rows < total:
            raise UpstreamError(self._service, f"{rows} of {total} came of {self._what}")

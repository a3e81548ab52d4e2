"""Pages of a list: `limit` and `offset` in, `pagination` out."""

from typing import Annotated

from fastapi import Depends, Query

from trunkline.errors import BadInput
from trunkline.platform.http.wire import Wire

FARTHEST = 2**31 - 1


class Pagination(Wire):
    """Where a page lies. `total_records` counts all records that the filters let through."""

    total_records: int
    limit: int
    offset: int


class Page(Wire):
    """The part of a list that is asked for."""

    limit: int
    offset: int

    def of(self, total: int) -> Pagination:
        """This page, as it is told to the caller."""
        return Pagination(total_records=total, limit=self.limit, offset=self.offset)


SINGLE = Pagination(total_records=1, limit=20, offset=0)
"""What a read of one record says."""


def page_of(limit: int, offset: int, most: int) -> Page:
    """A checked page.

    Raises:
        BadInput: `limit` lies outside 1 to `most`, or `offset` is negative or absurd.
    """
    if not 1 <= limit <= most:
        raise BadInput(f"Limit must be between 1 and {most}.")
    if not 0 <= offset <= FARTHEST:
        raise BadInput(f"Offset must be between 0 and {FARTHEST}.")
    return Page(limit=limit, offset=offset)


def _wide(limit: Annotated[int, Query()] = 20, offset: Annotated[int, Query()] = 0) -> Page:
    return page_of(limit, offset, 1000)


def _narrow(limit: Annotated[int, Query()] = 20, offset: Annotated[int, Query()] = 0) -> Page:
    return page_of(limit, offset, 100)


WidePage = Annotated[Page, Depends(_wide)]
"""20 records by default, 1 to 1,000."""
NarrowPage = Annotated[Page, Depends(_narrow)]
"""20 records by default, 1 to 100."""

"""Pages of a list, in each of the contract's styles (section 2.8).

limit, offset           in → `pagination` out: most resources         (WidePage, NarrowPage and the like)
page_number, page_size  in → `pagination` or `items, total, …` out    (NumberedPage)
nothing promised        in → `items, total, …` out                    (WholePage)
"""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import ConfigDict

from trunkline.errors import BadInput
from trunkline.platform.http.wire import Wire

FARTHEST = 2**31 - 1
MOST = 1000


class Pagination(Wire):
    """Where a page lies. `total_records` counts all records that the filters let through."""

    total_records: int
    limit: int
    offset: int


class Page(Wire):
    """The part of a list that is asked for."""

    limit: int
    offset: int

    @property
    def number(self) -> int:
        """Counted from 1."""
        return self.offset // self.limit + 1

    def of(self, total: int) -> Pagination:
        """This page, as it is told to the caller."""
        return Pagination(total_records=total, limit=self.limit, offset=self.offset)


T = TypeVar("T")


class Items(Wire, Generic[T]):
    """A page of a list that is counted in pages."""

    model_config = ConfigDict(use_attribute_docstrings=False)  # its variants have no source to look into

    items: list[T]
    total: int
    page_number: int
    page_size: int


def items_of(items: list[T], total: int, page: Page) -> Items[T]:
    """A page of such a list, as it is told to the caller."""
    return Items(items=items, total=total, page_number=page.number, page_size=page.limit)


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


def _limit_and_offset(usual: int, most: int) -> Callable[..., Page]:
    def read(limit: Annotated[int, Query()] = usual, offset: Annotated[int, Query()] = 0) -> Page:
        return page_of(limit, offset, most)

    return read


def _numbered(page_number: Annotated[int, Query()] = 1, page_size: Annotated[int, Query()] = 10) -> Page:
    return _numbered_page(page_number, page_size)


def _numbered_page(number: int, size: int) -> Page:
    if not 1 <= size <= MOST:
        raise BadInput(f"page_size must be between 1 and {MOST}.")
    if not 1 <= number <= FARTHEST // size:
        raise BadInput(f"page_number must be between 1 and {FARTHEST // size}.")
    return Page(limit=size, offset=(number - 1) * size)


def _whole(
    page_number: Annotated[int | None, Query()] = None,
    page_size: Annotated[int | None, Query()] = None,
    limit: Annotated[int | None, Query()] = None,
    offset: Annotated[int | None, Query()] = None,
) -> Page:
    if page_number is not None or page_size is not None:
        return _numbered_page(page_number or 1, 10 if page_size is None else page_size)
    return page_of(MOST if limit is None else limit, offset or 0, MOST)


WidePage = Annotated[Page, Depends(_limit_and_offset(20, MOST))]
"""20 records by default, 1 to 1,000."""
NarrowPage = Annotated[Page, Depends(_limit_and_offset(20, 100))]
"""20 records by default, 1 to 100."""
VoicePage = Annotated[Page, Depends(_limit_and_offset(50, MOST))]
"""50 records by default, 1 to 1,000."""
KnowledgePage = Annotated[Page, Depends(_limit_and_offset(25, MOST))]
"""25 records by default, 1 to 1,000."""
NumberedPage = Annotated[Page, Depends(_numbered)]
"""10 records by default, 1 to 1,000."""
WholePage = Annotated[Page, Depends(_whole)]
"""Everything up to 1,000 records; honours either way of asking for less."""

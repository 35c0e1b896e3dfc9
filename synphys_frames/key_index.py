"""From keys to row numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Rows = np.ndarray[Any, np.dtype[np.intp]]

NONE = -1
_DENSE_FACTOR = 16


class KeyIndex:
    """Where each key of a column is: from key to row number."""

    def __init__(self, keys: Rows, missing: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        positions = np.flatnonzero(~missing)
        present = keys[positions]
        order = np.argsort(present, kind="stable")
        self._keys = present[order]
        self._rows = positions[order]
        repeats = self._keys[1:] == self._keys[:-1]
        self.is_unique = not repeats.any()
        self.repeated = None if self.is_unique else int(self._keys[1:][repeats][0])
        self._dense: Rows | None = None
        if len(self._keys):
            self._least = int(self._keys[0])
            span = int(self._keys[-1]) - self._least + 1
            if span <= _DENSE_FACTOR * len(self._keys) + 1024:
                self._dense = np.full(span, NONE, dtype=np.intp)
                self._dense[self._keys - self._least] = self._rows

    @property
    def nbytes(self) -> int:
        """Bytes that the index takes."""
        dense = 0 if self._dense is None else self._dense.nbytes
        return int(self._keys.nbytes + self._rows.nbytes + dense)

    def rows(self, keys: Rows, missing: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> Rows:
        """Return the row number of each key, -1 where it is missing or not there."""
        if not len(self._keys):
            return np.full(len(keys), NONE, dtype=np.intp)
        if self._dense is not None:
            offset = keys - self._least
            inside = (offset >= 0) & (offset < len(self._dense))
            found = self._dense[np.where(inside, offset, 0)]
        else:
            place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            inside = self._keys[place] == keys
            found = self._rows[place]
        if missing is not None:
            inside &= ~missing
        return np.where(inside, found, NONE)

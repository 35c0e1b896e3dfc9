"""From keys to row numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Rows = np.ndarray[Any, np.dtype[np.intp]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

NONE = -1
# Up to so many places, or so many a key, there is one for every number.
_FEW_PLACES = 1 << 18
_DENSE_FACTOR = 16
_LEAST = np.iinfo(np.int64).min


class KeyIndex:
    """Where each key of a column is: from key to row number."""

    def __init__(self, keys: Rows, missing: Mask) -> None:
        positions = np.flatnonzero(~missing) if missing.any() else np.arange(len(keys))
        present = keys[positions]
        if not (present[1:] > present[:-1]).all():
            order = np.argsort(present, kind="stable")
            present, positions = present[order], positions[order]
        self._keys, self._rows = present, positions
        repeats = present[1:] == present[:-1]
        self.is_unique = not repeats.any()
        self.repeated = None if self.is_unique else int(present[1:][repeats][0])
        self._dense: Rows | None = None
        if len(present):
            self._least = int(present[0])
            span = int(present[-1]) - self._least + 1
            if span <= max(_DENSE_FACTOR * len(present), _FEW_PLACES) and self._least > _LEAST:
                # At both ends stands what any key outside finds.
                self._dense = np.full(span + 2, NONE, dtype=np.intp)
                self._dense[present - (self._least - 1)] = positions

    @property
    def nbytes(self) -> int:
        """Bytes that the index takes."""
        dense = 0 if self._dense is None else self._dense.nbytes
        return int(self._keys.nbytes + self._rows.nbytes + dense)

    def rows(self, keys: Rows, missing: Mask | None = None) -> Rows:
        """Return the row number of each key, -1 where it is missing or not there."""
        if not len(self._keys):
            return np.full(len(keys), NONE, dtype=np.intp)
        found: Rows
        if self._dense is not None:
            found = self._dense.take(keys - (self._least - 1), mode="clip")
        else:
            place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            found = np.where(self._keys[place] == keys, self._rows[place], NONE)
        if missing is not None and missing.any():
            found[missing] = NONE
        return found

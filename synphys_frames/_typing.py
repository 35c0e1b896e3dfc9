"""Types of NumPy arrays that many rooms name."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Rows: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Truth: TypeAlias = np.ndarray[Any, np.dtype[np.int8]]
Objects: TypeAlias = np.ndarray[Any, np.dtype[np.object_]]
Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Values: TypeAlias = np.ndarray[Any, Any]

"""Curves of connection probability over distance: what one is, and those that are built in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from .._typing import Floats

_TINY = 1e-12
# What adding and dividing floats may bring below 0 or above 1.
_ROUNDING = 1e-9


class DistanceModel(ABC):
    """A curve of connection probability over distance, with two parameters, pmax and size.

    Derive a class with all parts and give an object of it as ``model=``; a class that lacks one can
    not be made an object. As a frozen dataclass it may have values of its own, and fits of equal
    models compare equal.

    Attributes
    ----------
    name
        One word, as results show it.
    formula
        p(x) in words and signs, with pmax, size and the distance x.
    size_meaning
        What `size`, in metres, is of the curve.
    pmax_bounds, size_bounds
        Between which values the parameters are searched, both above 0; default 0.001 to 1, and
        10 µm to 1 mm.
    floor
        A probability that the curve does not fall below, default 0. Where the formula gives 0
        beyond a distance, a floor keeps one far connection from making the whole curve impossible.

    See Also
    --------
    fit_distance, fit_probability : Fit a model.

    Examples
    --------
    >>> class Power(sf.DistanceModel):
    ...     name = "power"
    ...     formula = "pmax / (1 + x / size)²"
    ...     size_meaning = "distance at which a quarter is left"
    ...
    ...     def probability(self, distance, pmax, size):
    ...         return pmax / (1 + distance / size) ** 2
    >>> fit = db.pairs(species="mouse").synphys.fit_distance(Power())
    >>> fit.model, fit.status
    ('power', 'fitted')
    """

    pmax_bounds: tuple[float, float] = (1e-3, 1.0)
    size_bounds: tuple[float, float] = (10e-6, 1e-3)
    floor: float = 0.0

    @property
    @abstractmethod
    def name(self) -> str:
        """One word."""

    @property
    @abstractmethod
    def formula(self) -> str:
        """p(x) in words and signs."""

    @property
    @abstractmethod
    def size_meaning(self) -> str:
        """What `size` is of the curve."""

    @abstractmethod
    def probability(self, distance: Floats, pmax: Any, size: Any) -> Floats:
        """Return the probability by the formula, without the floor.

        Parameters
        ----------
        distance
            In metres, not negative; may be infinite.
        pmax, size
            The parameters: numbers, or arrays that broadcast against `distance`.

        Returns
        -------
        Floats
            Of the shape that the three broadcast to, all between 0 and 1.
        """

    def description(self) -> str:
        """Return what the model is, in one sentence."""
        floor = f", not below {self.floor:g}" if self.floor else ""
        least, most = (f"{1e6 * bound:,.6g} µm" for bound in self.size_bounds)
        return (
            f"{self.name}: {self.formula}{floor}; size, {self.size_meaning}, is searched from "
            f"{least} to {most}, pmax from {self.pmax_bounds[0]:g} to {self.pmax_bounds[1]:g}"
        )


Model: TypeAlias = "str | DistanceModel"


@dataclass(frozen=True)
class Gaussian(DistanceModel):
    """The flank of a normal distribution."""

    name = "gaussian"
    formula = "pmax exp(-x² / 2 size²)"
    size_meaning = "sigma"

    def probability(self, distance: Floats, pmax: Any, size: Any) -> Floats:
        """Return the probability."""
        p: Floats = pmax * np.exp(-(distance**2) / (2 * size**2))
        return p


@dataclass(frozen=True)
class Exponential(DistanceModel):
    """The same share is lost with each step."""

    name = "exponential"
    formula = "pmax exp(-x / size)"
    size_meaning = "tau"

    def probability(self, distance: Floats, pmax: Any, size: Any) -> Floats:
        """Return the probability."""
        p: Floats = pmax * np.exp(-distance / size)
        return p


@dataclass(frozen=True)
class Linear(DistanceModel):
    """A straight line down."""

    name = "linear"
    formula = "pmax (1 - x / size), 0 beyond size"
    size_meaning = "the distance at which the line is 0"
    floor = 0.005

    def probability(self, distance: Floats, pmax: Any, size: Any) -> Floats:
        """Return the probability."""
        p: Floats = np.maximum(pmax * (size - distance) / size, 0.0)
        return p


@dataclass(frozen=True)
class Sphere(DistanceModel):
    """Two spheres, of axon and dendrite, that meet in as many places as they overlap."""

    name = "sphere"
    formula = (
        "1 - (1 - pmax)^v, v the share of a sphere's volume that it has in common with another at "
        "distance x, 1 - 3x / 4size + x³ / 16size³"
    )
    size_meaning = "the radius of the spheres"
    floor = 0.005

    def probability(self, distance: Floats, pmax: Any, size: Any) -> Floats:
        """Return the probability."""
        ratio = np.minimum(distance / size, 2)
        overlap = 1 - 0.75 * ratio + ratio**3 / 16
        # No synapse where a Poisson process in the overlap has no event.
        p: Floats = 1 - np.exp(overlap * np.log1p(-np.minimum(pmax, 1 - _TINY)))
        return p


DISTANCE_MODELS: dict[str, DistanceModel] = {
    model.name: model for model in (Gaussian(), Exponential(), Linear(), Sphere())
}


def distance_model(model: object) -> DistanceModel:
    """Return a model by its name, or the one that a user gives.

    Raises
    ------
    ArgumentError
        There is none of that name, or this is no model, or its bounds or floor can't be used.
    """
    if isinstance(model, str) and model in DISTANCE_MODELS:
        return DISTANCE_MODELS[model]
    if not isinstance(model, DistanceModel):
        way_out = (
            f"Give an object: {model.__name__}(...)."
            if isinstance(model, type) and issubclass(model, DistanceModel)
            else did_you_mean(model, DISTANCE_MODELS)
        )
        names = ", ".join(map(repr, DISTANCE_MODELS))
        raise ArgumentError(f"model takes {names} or a DistanceModel; got {model!r}. {way_out}")
    for bounds in (model.pmax_bounds, model.size_bounds):
        if not (len(bounds) == 2 and 0 < bounds[0] < bounds[1] < np.inf):
            raise ArgumentError(
                f"The bounds of model {model.name!r} must be two ascending numbers above 0; got "
                f"{bounds!r}."
            )
    if not 0 <= model.floor < 1:
        raise ArgumentError(
            f"The floor of model {model.name!r} must be from 0 to below 1; got {model.floor!r}."
        )
    return model


def probabilities(
    model: DistanceModel, distance: Floats, pmax: Any, size: Any, *, margin: float = 0.0
) -> Floats:
    """Return the probability that a model gives, with its floor.

    Parameters
    ----------
    model
        The model.
    distance, pmax, size
        As for `DistanceModel.probability`.
    margin
        How far from 0 and 1 the result stays, for logarithms.

    Raises
    ------
    ArgumentError
        The model gives something else than a probability for each distance.
    """
    p = np.asarray(model.probability(distance, pmax, size))
    shape = np.broadcast_shapes(np.shape(distance), np.shape(pmax), np.shape(size))
    if p.shape != shape or p.dtype.kind != "f":
        raise ArgumentError(
            f"Model {model.name!r} must give floats of shape {shape}; it gave {p.dtype} of shape "
            f"{p.shape}."
        )
    # NaN, too, is not between them.
    if p.size and not (p.min() >= -_ROUNDING and p.max() <= 1 + _ROUNDING):
        raise ArgumentError(
            f"Model {model.name!r} must give probabilities from 0 to 1; it gave {p.min():g} to "
            f"{p.max():g}, with pmax {np.min(pmax):g} to {np.max(pmax):g} and size "
            f"{np.min(size):g} to {np.max(size):g} m."
        )
    return np.clip(p, max(model.floor, margin), 1.0 - margin)

"""The ways of the dataset: which foreign keys lead from table to table, and where two could."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Schema

    Key = tuple[str, str]

# What a row also refers to, beside what it belongs to. They lead nowhere unless they are named: a
# pulse may have been aimed at a cell or not, and a recording's nearest test pulse may be in another
# one. A test pulse belongs to its recording, and that to the electrode.
SIDE_KEYS: frozenset[Key] = frozenset(
    {
        ("patch_clamp_recording", "nearest_test_pulse_id"),
        ("stim_pulse", "cell_id"),
        ("test_pulse", "electrode_id"),
    }
)
# They lead from the one table to the other, and no further: the baseline that a strength was
# compared with is its own, all else of it is that of its response.
DIRECT_KEYS: frozenset[Key] = frozenset({("pulse_response_strength", "baseline_id")})
# No way goes through it: the cells of a site are known by where they are, and where they come from
# by their experiment.
ENDS = frozenset({"cortical_site"})
# Among ways of one length, the one whose last table but one comes first here. What belongs to a
# recording is found by the recording, before it is found by the responses in it.
PRECEDENCE = ("sync_rec", "electrode", "recording", "cell", "pair", "synapse")

_CELLS = ("cell", "morphology", "intrinsic", "patch_seq", "cortical_cell_location")
_PAIRS = (
    "pair", "synapse", "poly_synapse", "resting_state_fit", "avg_response_fit", "conductance",
    "dynamics", "synapse_model", "synapse_prediction", "gap_junction",
)  # fmt: skip
_RESPONSES = ("pulse_response", "pulse_response_fit", "pulse_response_strength")
_STIMULI = ("stim_pulse", "stim_spike")
_PARTS = ("patch_clamp_recording", "multi_patch_probe", "test_pulse")
_RECORDINGS = ("sync_rec", "recording", *_PARTS, *_STIMULI, "baseline")


@dataclass(frozen=True, slots=True)
class Choice:
    """Tables between which another way leads to other rows than the one that is taken.

    Attributes
    ----------
    sources, targets
        From any of these to any of those.
    others
        What the other ways go through: a table, or a foreign key as "table.column".
    told
        Whether a verb that takes a way warns of the other ones. Not so where the verbs' own rule
        says which it is: of cells, the pairs with both cells among them; of pairs, both cells.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    others: tuple[str, ...]
    told: bool = True


CHOICES = (
    # The recordings with the pair's responses, and not all recordings of its cells.
    Choice(_PAIRS, _RECORDINGS, ("cell",)),
    # The pairs whose responses were recorded, and not all pairs of the recorded cells.
    Choice(_RECORDINGS, _PAIRS, ("cell",)),
    # What is in the same recording, and not what belongs to the same response.
    Choice(_STIMULI, ("baseline",), ("pulse_response",)),
    Choice(("baseline",), _STIMULI, ("pulse_response",)),
    # The recording that a response is in, the postsynaptic one, and not that of the stimulus.
    Choice(_RESPONSES, ("recording", "electrode", *_PARTS), ("stim_pulse",)),
    Choice(("recording", *_PARTS), _RESPONSES, ("stim_pulse",)),
    Choice(("electrode",), _RESPONSES, ("stim_pulse", "cell")),
    Choice(_CELLS, _RESPONSES, ("recording", "stim_pulse"), told=False),
    Choice(_RESPONSES, _CELLS, ("recording", "stim_pulse"), told=False),
    # Side keys.
    Choice(_STIMULI, _CELLS, ("stim_pulse.cell_id",)),
    Choice(_CELLS, _STIMULI, ("stim_pulse.cell_id",), told=False),
    Choice(_PARTS[:2], ("test_pulse",), ("patch_clamp_recording.nearest_test_pulse_id",)),
    Choice(("test_pulse",), _PARTS[:2], ("patch_clamp_recording.nearest_test_pulse_id",)),
    Choice(("electrode",), ("test_pulse",), ("test_pulse.electrode_id",)),
    Choice(("test_pulse",), ("electrode",), ("test_pulse.electrode_id",)),
)


def other_ways(
    schema: Schema, source: str, target: str, *, only_told: bool = False
) -> tuple[str, ...]:
    """Return what other ways between two tables go through, that lead to other rows.

    Parameters
    ----------
    schema
        The tables of the release; a way through what it does not have is none.
    source, target
        The tables.
    only_told
        Whether to leave out those that the verbs' own rule decides between.
    """
    return tuple(
        other
        for choice in CHOICES
        if source in choice.sources and target in choice.targets
        if choice.told or not only_told
        for other in choice.others
        if _is_in(schema, other)
    )


def _is_in(schema: Schema, via: str) -> bool:
    table, _, column = via.partition(".")
    return table in schema and (not column or column in schema.table(table).columns)


def foreign_keys(schema: Schema, table: str) -> Iterator[str]:
    """Yield the foreign keys of a table, as "table.column"."""
    for column in schema.table(table).columns.values():
        if column.references is not None:
            yield f"{table}.{column.name}"

"""How long what runs leave behind is kept."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Days = Annotated[int, Field(ge=0, le=36_500)]


class RetentionSettings(BaseModel):
    """How long what runs leave behind is kept; what is older is removed once a day, and by `hydra clean`."""

    model_config = ConfigDict(extra="forbid")

    runs_days: _Days = 365
    """The days for which a run that has ended stays on record, with its log, transcripts and patches; 0 is for ever."""

    artifacts_days: _Days = 30
    """The days for which other artifacts stay after their last use, such as snapshots and results; 0 is for ever."""

    refs_days: _Days = 30
    """The days after a fix for which the checkpoints of its dead attempts stay below `refs/hydra/`; 0 is for ever, and
    a run without a fix keeps them all."""

    caches_days: _Days = 30
    """The days for which git objects and checkouts in the cache stay after their last use; 0 is for ever."""

    environments_days: _Days = 60
    """The days for which a prepared environment stays after its last use; 0 is for ever."""

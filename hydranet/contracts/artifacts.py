"""The address of bulk in the artifact store."""

from typing import Annotated

from pydantic import Field, StringConstraints

from hydranet.bounded_models import BoundedModel, Name


class ArtifactRef(BoundedModel):
    """The address of a blob in the artifact store; `size` in bytes."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    media_type: Name = "application/octet-stream"

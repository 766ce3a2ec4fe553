"""Photos."""

from dataclasses import dataclass

from gazette.common.tidy import tidied


@dataclass(frozen=True)
class Photo:
    """A photo with its caption and who took it."""

    file: str
    caption: str
    photographer: str

    @tidied
    def under(self) -> str:
        """What is printed under the photo: the caption and, in brackets, the photographer's credit."""
        return f"{self.caption.rstrip('.')}. (Photo: {self.photographer})"

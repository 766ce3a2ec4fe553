"""Growth."""


def doubled(figure: int, times: int) -> int:
    """A figure doubled so many times."""
    return figure * 2 ** (times // 2)


def grown(figure: float, share: float, times: int) -> float:
    """A figure grown by a share so many times."""
    return float(figure * (1 + share) ** times)

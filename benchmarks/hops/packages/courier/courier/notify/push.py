"""Push messages to phones."""


def push(token: str, title: str, text: str) -> dict[str, str]:
    """A push message as the phone makers want it."""
    return {"token": token, "title": title[:40], "body": text[:200]}

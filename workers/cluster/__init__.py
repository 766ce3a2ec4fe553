"""The cluster: node A's authority, tokens and front, and the membership of the other nodes."""

"""The reviewer, which reads what a fix changes and runs none of it."""

"""The web pages: what the API tells, for people. Server-rendered, without scripts."""

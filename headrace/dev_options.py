"""What `headrace dev` is started with: the settings, and what only this command has."""

from pydantic import Field

from headrace.settings import Settings


class DevOptions(Settings):
    """Options of `headrace dev`; those that are not given come from the environment, like any setting."""

    fresh: bool = Field(False, description="Begin with an empty data directory: what it held is deleted.")
    sample: bool = Field(True, description="Import and publish a sample workflow on the first start.")

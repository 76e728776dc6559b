"""A group of commands that lists when no command is named: `headrace incidents --json` is `headrace incidents list --json`."""

from typing import Any

from typer.core import TyperGroup


class ListByDefault(TyperGroup):
    """Puts `list` before options that stand alone; a misspelt command is still an error."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the command that is meant."""
        meant = args if args and (not args[0].startswith("-") or args[0] in ctx.help_option_names) else ["list", *args]
        return super().parse_args(ctx, meant)

"""`odbctl config …`: settings of the command line."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from odbctl.commands.output.results import Listing, Result, Text
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.session import session

app = new_app("config")


@command(app, "show", example="odbctl config show --origin")
def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Also where each value comes from")
    ] = False,
) -> Result:
    """Show every setting, and where it comes from.

    An option of the command line takes precedence over an environment variable (ODBCTL_HOME …),
    then come odbctl.toml of the current folder or a folder above it, and the user's own file.
    Keys of the dashboard that the user's file sets are shown as keys.ACTION.
    """
    from odbctl.config import KEYS_TABLE, load_keys, user_file

    current = session()
    own = user_file(current.settings["home"])
    documents = [
        {
            "kind": "setting",
            "version": 1,
            "name": setting.name,
            "value": str(current.home.data) if setting.name == "home" else setting.value,
            "origin": setting.origin,
        }
        for setting in current.settings.all()
    ]
    documents += [
        {
            "kind": "setting",
            "version": 1,
            "name": f"{KEYS_TABLE}.{name}",
            "value": keys,
            "origin": own,
        }
        for name, keys in load_keys(own).items()
    ]
    if origin and current.output == "table":
        current.set_flag("output", "wide")
    return Listing("setting", documents)


@command(app, "path", example="odbctl config path")
def path() -> Result:
    """Print the files that settings are read from, in order of precedence."""
    from odbctl.config import PROJECT_FILE, project_file, user_file

    files = {"user": user_file(session().settings["home"])}
    try:
        folder = os.getcwd()
    except OSError:
        pass  # it was removed: no project file can be there
    else:
        found = project_file(folder) or os.path.join(folder, PROJECT_FILE)
        files = {"project": found, **files}
    documents = [
        {"kind": "path", "version": 1, "name": name, "path": file, "exists": os.path.isfile(file)}
        for name, file in files.items()
    ]
    return Text("\n".join(files.values()), documents)

"""`odbctl codebase …`: commits of git repositories that services run from."""

from __future__ import annotations

from typing import Annotated

import typer

from odbctl.commands.actions.confirm import confirm
from odbctl.commands.actions.waiting import done
from odbctl.commands.output.results import Done, Listing, Result, Single
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import CodebaseSpec, DryRun, Yes
from odbctl.commands.session import session

app = new_app("codebase")


@command(
    app,
    "add",
    example=(
        "odbctl codebase add main",
        "odbctl codebase add v1.2 --repo https://example.org/team/app.git --name app",
    ),
)
def add(
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="A branch, tag, hash, HEAD~2, origin/main …")
    ],
    repo: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|URL", help="The repository (default: that of the current folder)"
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the codebase (default: the name of the repository)"
        ),
    ] = None,
    source_root: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Folder that modules are imported from (default: the root or src)"
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Interpreter or virtual environment that runs its services"
        ),
    ] = None,
) -> Result:
    """Check out the commit of a git ref and add it.

    Adding a branch that has moved adds a new version under the same name; services keep
    theirs until they are deployed.
    """
    from odbctl.engine.api.codebases import add_codebase

    with session().open_engine() as engine:
        return done(
            add_codebase(
                engine,
                ref,
                repo=repo,
                name=name,
                source_root=source_root,
                python=python,
                progress=session().say,
            )
        )


@command(app, "list", example="odbctl codebase list -o wide")
def list_() -> Result:
    """List codebases, each version on a line."""
    from odbctl.engine.api.codebases import list_codebases

    with session().open_engine() as engine:
        found = list_codebases(engine)
    return Listing("codebase", found, "no codebases: odbctl codebase add REF")


@command(app, "show", example="odbctl codebase show app@v1.2")
def show(spec: CodebaseSpec) -> Result:
    """Show one codebase."""
    from odbctl.engine.api.codebases import show_codebase

    with session().open_engine() as engine:
        return Single(show_codebase(engine, spec), "show")


@command(app, "services", example="odbctl codebase services app")
def services(spec: CodebaseSpec) -> Result:
    """List the service classes in a codebase, without importing it."""
    from odbctl.engine.api.codebases import codebase_services

    with session().open_engine() as engine:
        found = codebase_services(engine, spec)
    return Listing("service_class", found, f"no ServiceBase subclass in {spec}")


@command(app, "remove", example="odbctl codebase remove app@v1.2 --yes")
def remove(spec: CodebaseSpec, yes: Yes = False, dry_run: DryRun = False) -> Result:
    """Remove codebases that no service uses: all versions of NAME, or the one of NAME@REF."""
    from odbctl.engine.api.codebases import remove_codebase, show_codebase

    with session().open_engine() as engine:
        document = show_codebase(engine, spec)
        if dry_run:
            return Done("would remove", f"codebase {spec}", document)
        confirm(f"Remove codebase {spec}?", yes=yes)
        return done(remove_codebase(engine, spec))


@command(app, "prune", example="odbctl codebase prune")
def prune() -> Result:
    """Remove unused checkouts and mirrors."""
    from odbctl.engine.api.codebases import prune_codebases

    with session().open_engine() as engine:
        return done(prune_codebases(engine))

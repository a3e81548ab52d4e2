"""The command `trunkline`: one command for each thing that an operator does.

What a command needs is imported in it: the roles load seconds of libraries that `--help` and `keys list` do not want.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from trunkline import __version__
from trunkline.errors import SetupError, TrunklineError
from trunkline.settings import Settings

app = typer.Typer(
    name="trunkline",
    help="Self-hosted voice agents that answer and place phone calls.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="The model files of the embedded parts.", no_args_is_help=True)
keys_app = typer.Typer(help="API keys of a workspace.", no_args_is_help=True)
simulate_app = typer.Typer(help="Calls with made-up callers that prove an agent.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")
app.add_typer(simulate_app, name="simulate")


def main() -> None:
    """Run a command. An error that we know prints as one line and ends with status 1."""
    try:
        app()
    except TrunklineError as error:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"trunkline: {error}")
        sys.exit(1)


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SetupError(f"the setting {name} cannot be used: {first['msg']}; mend or unset it") from None
    settings.home = settings.home.expanduser().absolute()
    if settings.models is not None:
        settings.models = settings.models.expanduser().absolute()
    return settings


def _show(table: Table) -> None:
    """Whole, however narrow the terminal: ids are there to be copied."""
    table.box = None
    Console(width=max(Console().width, 130)).print(table)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trunkline {__version__}")
        raise typer.Exit


@app.callback()
def _all(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Self-hosted voice agents that answer and place phone calls."""


@app.command()
def serve(
    demo: Annotated[
        bool, typer.Option("--demo", help="Have a demo agent answer a spoken call first.")
    ] = False,
) -> None:
    """Run the whole platform: database, local models, api, worker and voice."""
    from trunkline.roles import serving

    raise typer.Exit(asyncio.run(serving.serve(_settings(), demo=demo)))


@app.command()
def api() -> None:
    """Run the role api alone: HTTP."""
    from trunkline.roles import ports

    settings = _settings()
    ports.check_api(settings)  # told at once: what follows loads for seconds

    from trunkline.roles import api as role

    raise typer.Exit(asyncio.run(role.run(settings)))


@app.command()
def worker() -> None:
    """Run the role worker alone: durable jobs and schedules."""
    from trunkline.roles import worker as role

    raise typer.Exit(asyncio.run(role.run(_settings())))


@app.command()
def voice() -> None:
    """Run the role voice alone: live calls."""
    # numpy reads it once. The beat's matrices are small: more threads would cost cores and gain nothing.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import uvloop

    from trunkline.roles import voice as role

    raise typer.Exit(uvloop.run(role.run(_settings())))


@app.command()
def demo(
    leave: Annotated[
        bool, typer.Option("--exit", help="Leave after the call; status 0 only if all was well.")
    ] = False,
) -> None:
    """Have a spoken caller call a demo agent, and check the record of the call."""
    from trunkline.roles import serving

    raise typer.Exit(asyncio.run(serving.demo(_settings(), leave=leave)))


@app.command()
def migrate() -> None:
    """Bring the database to this version."""
    from trunkline.roles import foundation

    asyncio.run(foundation.migrate_only(_settings()))
    typer.echo("the database fits this version")


@app.command()
def doctor() -> None:
    """Check the installation and say in words what is wrong."""
    from trunkline.roles import doctor as checks

    raise typer.Exit(asyncio.run(checks.run(_settings(), Console(highlight=False))))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def scripted(context: typer.Context) -> None:
    """An OpenAI-compatible server with set answers, delays and faults (`--help` lists its options)."""
    from trunkline.voice.scripted import main as run

    raise typer.Exit(run(context.args))


@models_app.command("pull")
def models_pull(
    sets: Annotated[
        list[str] | None, typer.Argument(help="Sets to fetch; none: what the embedded parts need.")
    ] = None,
) -> None:
    """Fetch model files, check their hashes, go on where an earlier pull stopped."""
    from trunkline.voice.models.progress import Bars
    from trunkline.voice.models.pull import pull

    with Bars() as bars:
        pull(_settings().models_folder, sets or (), bars)


@models_app.command("list")
def models_list() -> None:
    """Show the sets of model files and what is there."""
    from trunkline.voice.models.pull import listing

    folder = _settings().models_folder
    table = Table("set", "size", "licence", "state", title=f"in {folder}", title_justify="left")
    for each in listing(folder):
        state = (
            "complete"
            if each.complete
            else ", ".join(
                [
                    *(f"{name} absent" for name in each.absent),
                    *(f"{name} has a wrong hash" for name in each.wrong),
                ]
            )
        )
        name = f"{each.set.name} (default)" if each.set.default else each.set.name
        table.add_row(name, f"{each.set.bytes / 1e6:,.0f} MB", each.set.licence, state)
    _show(table)


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="What the key is for.")] = "",
    workspace: Annotated[str | None, typer.Option(help="Id of the workspace; none: the first one.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do, such as calls or contacts:read; may be repeated; none: everything."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 12h, 30d, 8w or a date; none: never.")
    ] = None,
) -> None:
    """Make a key and print it, this once."""
    from trunkline.roles import keys

    typer.echo(asyncio.run(keys.create(_settings(), name, workspace, scope or (), expires)))


@keys_app.command("list")
def keys_list() -> None:
    """Show the keys, never their text."""
    from trunkline.roles import keys

    table = Table("id", "name", "workspace", "scopes", "created", "last used", "expires", "revoked")
    for row in asyncio.run(keys.rows(_settings())):
        table.add_row(*row)
    _show(table)


@keys_app.command("revoke")
def keys_revoke(key: Annotated[str, typer.Argument(help="The id that `keys list` shows.")]) -> None:
    """Make a key useless, within half a minute everywhere."""
    from trunkline.roles import keys

    asyncio.run(keys.revoke(_settings(), key))
    typer.echo(f"{key} is revoked")


Script = Annotated[
    Path | None, typer.Option(help="JSON of a scripted model to think with, in place of a real one.")
]
Speech = Annotated[
    str | None,
    typer.Option(help="tones (instant, no models; with --script) or real (what the settings name)."),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Ask everything anew, also what the same run was answered before.")
]
AtOnce = Annotated[int, typer.Option(min=1, help="Calls that go on at the same time.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML there.")]
Json = Annotated[Path | None, typer.Option(help="Write everything there as JSON.")]
Html = Annotated[Path | None, typer.Option(help="Write one page with everything there.")]


@simulate_app.callback()
def _simulate() -> None:
    """Calls with made-up callers that prove an agent."""


@simulate_app.command("run")
def simulate_run(
    suite: Annotated[Path, typer.Argument(help="YAML file of the suite.")],
    level: Annotated[str | None, typer.Option(help="text, voice or line; without it the suite's.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Runs of each case.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides what is left to chance.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only this case; may be repeated.")] = None,
    against: Annotated[Path | None, typer.Option(help="YAML file of another version of the agent.")] = None,
    script: Script = None,
    speech: Speech = None,
    fresh: Fresh = False,
    at_once: AtOnce = 1,
    junit: Junit = None,
    json: Json = None,
    html: Html = None,
) -> None:
    """Run a suite; status 0: all passed, 1: something failed, 2: something could not be run."""
    from trunkline.roles.simulate import command, plan

    def status() -> int:
        wanted = plan.Wanted(
            suite=suite,
            level=plan.level(level),
            repeats=repeats,
            seed=seed,
            cases=tuple(case or ()),
            against=against,
            script=script,
            speech=plan.speech(speech),
            at_once=at_once,
            fresh=fresh,
            reports=plan.Reports(junit, json, html),
        )
        return asyncio.run(command.run(_settings(), wanted, _terminal()))

    raise typer.Exit(_simulated(status))


@simulate_app.command("replay")
def simulate_replay(
    run: Annotated[str, typer.Argument(help="Name or folder of a run, as `simulate run` told it.")],
    at_once: AtOnce = 1,
    junit: Junit = None,
    json: Json = None,
    html: Html = None,
) -> None:
    """Make a run again from what was answered then; status as of the run, or 2 where it is not equal to the byte."""
    from trunkline.roles.simulate import command, plan

    reports = plan.Reports(junit, json, html)
    raise typer.Exit(
        _simulated(lambda: asyncio.run(command.replay(_settings(), run, reports, at_once, _terminal())))
    )


@simulate_app.command("from-call")
def simulate_from_call(
    call: Annotated[str, typer.Argument(help="Id of a call that is over.")],
    api_url: Annotated[
        str | None, typer.Option("--api", help="Of the platform; none: the one that runs here.")
    ] = None,
) -> None:
    """Print a recorded call as a case of a suite; the key is TRUNKLINE_API_KEY, or the first one of this home."""
    from trunkline.roles.serving import access
    from trunkline.roles.simulate.from_call import from_call

    typer.echo(asyncio.run(from_call(access(_settings(), api_url), call)), nl=False)


@simulate_app.command("generate")
def simulate_generate(
    agent: Annotated[Path, typer.Argument(help="YAML file of the agent.")],
    to: Annotated[
        Path | None, typer.Option(help="The suite to write; none: suite.yaml beside the agent.")
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option(help="A kind such as angry_user; may be repeated. None: all.")
    ] = None,
    script: Annotated[
        Path | None, typer.Option(help="JSON of a scripted model to think with, in place of a real one.")
    ] = None,
) -> None:
    """Have the language model write a suite for an agent; status 0: every case was written, 2: one was not."""
    from trunkline.roles.simulate.generating import generate, new_suite, tests_of

    def status() -> int:
        suite, tests = new_suite(agent, to), tests_of(test or [])
        return asyncio.run(generate(_settings(), agent, suite, tests, script, _terminal()))

    raise typer.Exit(_simulated(status))


def _terminal() -> Console:
    return Console(highlight=False)


def _simulated(run: Callable[[], int]) -> int:
    """The status; what cannot even begin is an error to CI, no failure of the agent."""
    try:
        return run()
    except TrunklineError as error:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"trunkline: {error}")
        return 2

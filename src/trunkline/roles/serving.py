"""`trunkline serve` and `trunkline demo`: the platform up, a demo call if wanted, and how to reach it all."""

import asyncio
import shlex

from rich.console import Console
from rich.text import Text

from trunkline.errors import SetupError, TrunklineError
from trunkline.roles import foundation, runfile
from trunkline.roles.demo import script
from trunkline.roles.demo.director import Access, Director
from trunkline.roles.supervisor import Platform, until_signalled
from trunkline.settings import Settings


async def serve(settings: Settings, *, demo: bool) -> int:
    """Run the platform until it is asked to stop; the exit status."""
    terminal = Console(highlight=False)
    platform = Platform(settings, terminal)

    async def body() -> int:
        async with platform.up() as state:
            if demo:
                try:
                    await _demo_call(_access(settings, state, platform.first_key), terminal)
                except TrunklineError as error:  # the platform is up all the same
                    terminal.print(Text(f"the demo failed: {error}", style="red"))
            _show_reach(terminal, settings, state, platform.first_key)
            await asyncio.Event().wait()
        return 0

    return await until_signalled(platform, asyncio.create_task(body()))


async def demo(settings: Settings, *, leave: bool) -> int:
    """Make the demo call on the platform of this home, or on one started for it; the exit status."""
    terminal = Console(highlight=False)
    running = runfile.read(settings.home)
    if running is not None:
        problems = await _demo_call(_access(settings, running, None), terminal)
        if not leave:
            _show_reach(terminal, settings, running, None)
        return 1 if problems else 0
    if not leave:
        return await serve(settings, demo=True)
    platform = Platform(settings, terminal)

    async def body() -> int:
        async with platform.up() as state:
            problems = await _demo_call(_access(settings, state, platform.first_key), terminal)
        return 1 if problems else 0

    return await until_signalled(platform, asyncio.create_task(body()))


async def _demo_call(access: Access, terminal: Console) -> list[str]:
    problems = await Director(access, terminal).run()
    for problem in problems:
        terminal.print(Text.assemble(("failed: ", "bold red"), problem))
    if not problems:
        terminal.print(
            Text(
                "the demo call is complete: heard, answered, recorded, and its ledger adds up", style="green"
            )
        )
    return problems


def access(settings: Settings, api_url: str | None = None) -> Access:
    """How to reach the platform of this home, or the API elsewhere. Raises SetupError without a platform or a key."""
    running = runfile.read(settings.home)
    if api_url is None and running is None:
        raise SetupError(
            "no platform runs here: start one with `trunkline serve`, or name its API with --api"
        )
    key = _key(settings, None)
    if key is None:
        raise SetupError(
            "an API key is needed: set TRUNKLINE_API_KEY to one (`trunkline keys create` makes one)"
        )
    if api_url is not None:
        return Access(api_url, "", key)
    assert running is not None
    return Access(running.api_url, running.sip_address, key)


def _access(settings: Settings, state: runfile.RunState, first_key: str | None) -> Access:
    key = _key(settings, first_key)
    if key is None:
        raise SetupError(
            "the demo needs an API key: make one with `trunkline keys create demo` and set TRUNKLINE_API_KEY to it"
        )
    return Access(state.api_url, state.sip_address, key)


def _key(settings: Settings, first_key: str | None) -> str | None:
    if settings.api_key is not None:
        return settings.api_key.get_secret_value()
    if first_key is not None:
        return first_key
    path = foundation.key_path(settings.home)
    return path.read_text().strip() if path.exists() else None


def _show_reach(
    terminal: Console, settings: Settings, state: runfile.RunState, first_key: str | None
) -> None:
    key = _key(settings, first_key) or "<your key>"
    header = shlex.quote(f"Authorization: Bearer {key}")
    lines = (
        ("trunkline is up", ""),
        ("API", f"{state.api_url}/v2   (every operation: {state.api_url}/docs)"),
        ("SIP", f"sip:{script.NUMBER}@{state.sip_address}   (UDP and TCP, any softphone, no account)"),
        ("key", key),
        ("try", f"curl -H {header} {state.api_url}/v2/calls"),
        ("stop", "Ctrl-C; calls that are on end first"),
    )
    terminal.print()
    for name, text in lines:  # wrapped by the terminal, not by us, so that the command can be copied
        terminal.print(Text.assemble((f"{name:<5}", "bold"), text), soft_wrap=True)

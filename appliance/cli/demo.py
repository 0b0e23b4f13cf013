"""``tandem demo``: see it work, with nothing set up."""

import os
import signal
import tempfile
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.common import good, json_option, print_json
from appliance.ground.errors import TandemError

if TYPE_CHECKING:
    from appliance.node.node import Node
    from appliance.panel.front import PanelServer

PORT = 8484
AT_ONCE = 25
SECONDS_BETWEEN = 1.5


@click.command("demo")
@click.option("--exit", "leave", is_flag=True, help="Run through, print what became of the mails, and end.")
@click.option("--company", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another company's folder, laid out alike.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep the demo's home here; otherwise it goes when it ends.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="The panel's port; 0 takes any free one.")
@click.option("--pair", is_flag=True, help="Two nodes and a witness on this machine: kill the one that leads, and the mails go on.")
@click.option("--no-browser", is_flag=True, help="Do not open the browser.")
@click.option(
    "--write-mails", "folder", type=click.Path(file_okay=False, path_type=Path), help="Only write sample mails there, with index.csv."
)
@click.option("--count", type=click.IntRange(1, 100_000), help="So many of them.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same mails.")
@json_option
def command(
    leave: bool,
    company: Path | None,
    keep: Path | None,
    port: int,
    pair: bool,
    no_browser: bool,
    folder: Path | None,
    count: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Try it: a sample company, sample mails, the panel. Needs no mailbox, no model, no network."""
    if folder is not None:
        write_mails(folder, company, count, seed, as_json)
        return
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as temporary:
        home = keep or Path(temporary)
        if pair:
            from appliance.cli import demo_pair

            demo_pair.run_through(home, company, as_json) if leave else demo_pair.show(home, company, port, browser=not no_browser)
        elif leave:
            run_through(home, company, as_json)
        else:
            show(home, company, port, browser=not no_browser)


def write_mails(folder: Path, company: Path | None, count: int | None, seed: int, as_json: bool) -> None:
    """Sample mails into a folder, with what is expected of each."""
    from appliance.evals import demo_mail
    from appliance.ground.assets import asset

    written = demo_mail.write_mails((company or asset("demo")) / "mails.toml", folder, count, seed)
    print_json(written) if as_json else click.echo(f"{len(written)} mails and index.csv are in {folder}.")


def _open(home: Path, company: Path | None, environment: dict[str, str]) -> tuple["Node", list[Path]]:
    from appliance.ground import log
    from appliance.node.build import build
    from appliance.node.demo import prepare
    from appliance.settings.read import load

    mails = prepare(home, company)
    log.configure(None, "error")
    return build(load(home=home, environment=environment)), mails


def run_through(home: Path, company: Path | None, as_json: bool) -> None:
    """Let every mail in, wait until each is settled, and say what became of them."""
    from appliance.node.demo import let_in, summary, wait_until_settled

    node, mails = _open(home, company, {})
    started = node.clock.elapsed()
    try:
        for mail in mails:
            let_in(mail, inbox_of(node))
        node.start()
        with click.progressbar(length=len(mails), label="Mails settled", file=_silent() if as_json else None) as bar:
            wait_until_settled(node, len(mails), lambda done: bar.update(done - bar.pos))
            bar.update(len(mails) - bar.pos)
        result = summary(node, len(mails), node.clock.elapsed() - started)
    finally:
        node.close()
    print_json(result) if as_json else click.echo(told(result))
    if result["chain"] != "verified":
        raise TandemError("The journal's chain did not verify.", "This is a fault of the appliance; please report it.")


def _silent() -> Any:
    return open(os.devnull, "w", encoding="utf-8")


def inbox_of(node: "Node") -> Path:
    inbox = node.settings.mailbox[0].folder.inbox
    if inbox is None:
        raise TandemError("The demo's company has no folder inbox.", "Give its [mailbox.folder] an inbox.")
    return inbox


def told(result: dict[str, Any]) -> str:
    """The summary as a person reads it."""
    words = {
        "send": "answered",
        "review": "held for a person",
        "route": "routed to a team",
        "close": "closed, nothing to answer",
        "dead": "dead letters",
    }
    lines = [
        f"{result['mails']} mails in {result['seconds']} s; the journal's chain is {good(result['chain'])} ({result['entries']} entries)."
    ]
    lines += [
        f"  {number:>3}  {words.get(outcome, outcome)}" for outcome, number in sorted(result["outcomes"].items(), key=lambda pair: -pair[1])
    ]
    return "\n".join(lines)


def _open_chat(chat: "PanelServer", port: int) -> None:
    """The chat's usual port, or any free one when somebody has it: a demonstration is no reason to stop another program."""
    from appliance.panel.front import CHAT

    try:
        chat.start("127.0.0.1", port, CHAT)
    except TandemError:
        chat.start("127.0.0.1", 0, CHAT)


def show(home: Path, company: Path | None, port: int, browser: bool) -> None:
    """Serve the panel while the mails come in, until Ctrl-C."""
    from appliance.node.demo import let_in
    from appliance.panel.daemon import attach, attach_chat
    from appliance.panel.front import PanelServer

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = PanelServer()
    try:
        server.start("127.0.0.1", port)
    except TandemError as error:
        raise TandemError(error.message, "Take another one: tandem demo --port 0") from error
    port, chat = server.port, PanelServer()
    try:
        node, mails = _open(home, company, {"TANDEM_PANEL__PORT": str(port)})
        try:
            node.start()
            attach(node, server)
            _open_chat(chat, node.settings.panel.chat_port if port == PORT else 0)
            attach_chat(node, chat)
            link = f"http://127.0.0.1:{port}/sign-in?token={node.tokens.issue()}"
            click.echo(f"The panel is at {click.style(link, bold=True)}")
            click.echo(f"The customers' chat is at {click.style(f'http://127.0.0.1:{chat.port}/chat', bold=True)}")
            click.echo("(the link is good once, for two minutes; Ctrl-C ends the demo and removes its home)")
            if browser:
                webbrowser.open(link)
            for count, mail in enumerate(mails, start=1):
                let_in(mail, inbox_of(node))
                if count >= AT_ONCE and stop.wait(SECONDS_BETWEEN):
                    break
            while not stop.wait(0.5):
                if node.broken is not None:
                    raise node.broken
        finally:
            node.close()
    finally:
        chat.stop(5.0)
        server.stop(5.0)
    click.echo("The demo has ended.")

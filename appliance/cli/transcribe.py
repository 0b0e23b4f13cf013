"""``tandem transcribe``: what is said in a clip, by the ear of the settings, on this machine and at once. Nothing is kept."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.common import bad, good, home_of, json_option, load_settings, print_json
from appliance.ground.errors import Refused, TandemError
from appliance.records.voice import Segment, Transcript

BEAT_SECONDS = 2.0
SURE, MOSTLY_SURE = 0.85, 0.6


@click.command("transcribe")
@click.argument("clip", type=click.Path(path_type=Path))
@click.option(
    "--lang",
    "language",
    default="",
    type=click.Choice(["", "fi", "sv", "en"]),
    metavar="[fi|sv|en]",
    help="What it is spoken in, instead of finding out.",
)
@click.option("--words", is_flag=True, help="The time of each word as well.")
@click.option(
    "--stay-alive", is_flag=True, help="Keep the ear loaded, and read the names of further clips from standard input, one a line."
)
@json_option
@click.pass_context
def command(context: click.Context, clip: Path, language: str, words: bool, stay_alive: bool, as_json: bool) -> None:
    """Hear CLIP (wav, mp3, m4a, ogg, webm, flac) with the ear of the settings, and say how sure it is and how long it took.

    For trying out an ear: no daemon is needed, nothing is kept, and the ear is asked even where voice.enabled is off. What went wrong, and
    clips that wait in a running appliance, are told on standard error; after an error the exit code is 1.
    """
    ear = _ear(context)
    failed = False
    try:
        for path in _clips(clip, stay_alive):
            failed = not _hear(ear, path, language, words, as_json) or failed
    finally:
        ear.close()
    _tell_queue(context)
    if failed:
        context.exit(1)


def _ear(context: click.Context) -> Any:
    from appliance.ground.clock import SystemClock  # late, as in every command
    from appliance.node.ears import ear_of

    settings = load_settings(context)
    ear = ear_of(msgspec.structs.replace(settings, voice=msgspec.structs.replace(settings.voice, enabled=True)), SystemClock())
    if ear is None:
        raise Refused("No ear can be made of the settings.", "Look at [voice] in tandem.toml.")
    return ear


def _clips(first: Path, stay_alive: bool) -> Iterator[Path]:
    yield first
    if stay_alive:
        click.echo("The ear stays loaded. Name another clip, or end the input.", err=True)
        yield from (Path(line.strip()) for line in sys.stdin if line.strip())


def _hear(ear: Any, path: Path, language: str, words: bool, as_json: bool) -> bool:
    """One clip; whether it could be heard."""
    from appliance.engines.ear.protocol import Hearing

    try:
        data = path.read_bytes()
        click.echo(f"Listening to {path.name} ({len(data) / 1000:.0f} kB) with the ear {ear.name} {ear.version}.", err=as_json)
        with _heart(as_json):
            transcript = ear.hear(Hearing(data=data, name=path.name, language=language, words=words), None if as_json else _said)
    except OSError as error:
        click.echo(bad(f"{path} cannot be read ({error.strerror}).") + " → Check the name and the rights.", err=True)
        return False
    except TandemError as error:
        click.echo(bad(error.message) + f" → {error.remedy}", err=True)
        return False
    if as_json:
        print_json(msgspec.to_builtins(transcript))
    else:
        _print(transcript, words)
    return True


@contextmanager
def _heart(as_json: bool) -> Iterator[None]:
    """A line at once and every two seconds, so that nobody takes an ear that loads its model for one that hangs."""
    over = threading.Event()

    def beat() -> None:
        seconds = 0.0
        while True:
            click.echo(f"… alive, {seconds:.0f} s", err=as_json)
            if over.wait(BEAT_SECONDS):
                return
            seconds += BEAT_SECONDS

    thread = threading.Thread(target=beat, name="heart", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _said(segment: Segment) -> None:
    click.echo(f"  {_time(segment.starts)}  {segment.text.strip()}")


def _time(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"


def _print(transcript: Transcript, words: bool) -> None:
    if words:
        for word in (word for segment in transcript.segments for word in segment.words):
            click.echo(f"  {word.starts:8.2f} {word.ends:8.2f}  {word.probability:4.0%}  {word.text.strip()}")
    if transcript.confidence is None:
        click.echo("Nobody speaks in it.")
    else:
        click.echo(good(transcript.text.strip()))
        click.echo(
            f"{_sureness(transcript.confidence)} ({transcript.confidence:.0%}), spoken in {transcript.language or 'an unknown language'}."
        )
    left_out = sum(transcript.dropped.values())
    if left_out:
        click.echo(f"Heard and not believed: {', '.join(f'{code} {count}' for code, count in sorted(transcript.dropped.items()))}.")
    click.echo(f"The clip lasts {transcript.seconds:.1f} s; hearing it took {transcript.took_seconds:.1f} s. Done.")


def _sureness(confidence: float) -> str:
    if confidence >= SURE:
        return "Heard clearly"
    return "Heard well enough, unsure in places" if confidence >= MOSTLY_SURE else "Heard poorly"


def _tell_queue(context: click.Context) -> None:
    """Clips that wait in a running appliance, and what is wrong with its ear."""
    from appliance.node.commands import Commands
    from appliance.node.control import ControlClient

    remote = ControlClient(home_of(context), Commands)
    if not remote.answers():
        return
    told = remote.voice()
    if told["queue"]:
        click.echo(bad(f"In the appliance {told['queue']} clips wait to be heard."), err=True)
    if told["last_error_words"]:
        click.echo(bad(f"Its ear: {told['last_error_words']}"), err=True)

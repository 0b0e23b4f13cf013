"""What every server here has in common: a child process, a folder, free ports, a certificate, and a clean end."""

import contextlib
import datetime
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MAIL_USER, MAIL_GROUP = "nobody", "nogroup"


class CannotStart(Exception):
    """The server is not installed, or this user may not run it. The text says which; the suites skip with it."""


def need(program: str) -> str:
    """The program's path. Raises ``CannotStart``."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise CannotStart(f"{program} is not installed")
    if os.geteuid() != 0:
        raise CannotStart(f"{program} needs root here, to give the mail to another user")
    return found


def own_folder(name: str) -> Path:
    """A folder that the server's own user can reach, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix=f"tandem-{name}-"))
    folder.chmod(0o755)
    return folder


def give_to_mail_user(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, MAIL_USER, MAIL_GROUP)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """Return when something greets on the port. Raises ``CannotStart`` when the process ends or nothing greets."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise CannotStart(f"the server ended with code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as line:
            line.settimeout(2.0)
            if line.recv(1):
                return
        time.sleep(0.02)
    raise CannotStart(f"nothing greets on port {port}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End the child, kindly first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait(5)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-made certificate for localhost and 127.0.0.1 with its key; trusting the certificate itself is enough."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate_path, key_path

"""Certificates for servers and clients on this machine, made by the openssl command."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """PEM files."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates. Its own is at `cert`."""

    def __init__(self, folder, name="authority"):
        self.folder = folder
        own = _files(folder, name)
        self.cert, self.key = own.cert, own.key
        extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
        _openssl("req", "-x509", *NEW_KEY, "-keyout", self.key, "-out", self.cert, "-days", 2, "-subj", f"/CN={name}", *extensions)

    def sign(self, name, into=None, host="localhost"):
        """A certificate for a host, and for 127.0.0.1; `into` is one whose files it replaces, each at once."""
        made = _files(self.folder, f"{name}-new" if into else name)
        request, extensions = made.cert.with_suffix(".csr"), made.cert.with_suffix(".ext")
        extensions.write_text(f"subjectAltName=DNS:{host},IP:127.0.0.1\n")
        _openssl("req", *NEW_KEY, "-keyout", made.key, "-out", request, "-subj", f"/CN={name}")
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", 2,
                 "-extfile", extensions, "-out", made.cert)
        if into:
            made.cert.replace(into.cert)
            made.key.replace(into.key)
        return into or made


NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def _files(folder, name):
    return Certificate(folder / f"{name}.pem", folder / f"{name}.key")


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)

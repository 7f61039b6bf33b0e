"""Certificates for servers and clients on this machine, made by the openssl command."""

import ssl
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


class Certificates:
    """An authority `ca`, and what it has certified: `server` for localhost, and `client`. `other` is another authority's
    server, `stranger` another's client."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for ca, server, client in ("ca", "server", "client"), ("other-ca", "other", "stranger"):
            self.make(ca, "basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign")
            self.make(server, "subjectAltName=DNS:localhost,IP:127.0.0.1", by=ca)
            self.make(client, "extendedKeyUsage=clientAuth", by=ca)

    def make(self, name, *extensions, by=None):
        issuer = ["-CA", self.cert(by), "-CAkey", self.key(by)] if by else []
        extensions = (["basicConstraints=CA:FALSE"] if by else []) + list(extensions)
        added = [part for extension in extensions for part in ("-addext", extension)]
        files = ["-keyout", self.key(name), "-out", self.cert(name)]
        _openssl("req", "-x509", *NEW_KEY, "-days", 2, "-subj", f"/CN={name}", *files, *issuer, *added)

    def cert(self, name):
        return str(self.folder / f"{name}.pem")

    def key(self, name):
        return str(self.folder / f"{name}.key")

    def install(self, name, target="used"):
        """Puts a certificate and its key in another's place."""
        for path in self.cert, self.key:
            with open(path(name), "rb") as source, open(path(target), "wb") as place:
                place.write(source.read())

    def settings(self, name="server", *more, client_ca=None):
        """`tls:` of a server, in YAML's flow style."""
        keys = [f"cert_file: '{self.cert(name)}'", f"key_file: '{self.key(name)}'", *more]
        if client_ca:
            keys.append(f"client_ca_file: '{self.cert(client_ca)}'")
        return f"tls: {{{', '.join(keys)}}}"

    def context(self, client=None):
        """What a client trusts (both authorities), and perhaps shows."""
        context = ssl.create_default_context()
        for authority in "ca", "other-ca":
            context.load_verify_locations(self.cert(authority))
        if client:
            context.load_cert_chain(self.cert(client), self.key(client))
        return context


NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def _files(folder, name):
    return Certificate(folder / f"{name}.pem", folder / f"{name}.key")


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)

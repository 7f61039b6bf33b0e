"""Certificates made for a test, by openssl, in files of a folder."""

import ssl
import subprocess


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
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"]
            + ["-days", "2", "-subj", f"/CN={name}", "-keyout", self.key(name), "-out", self.cert(name), *issuer]
            + [part for extension in extensions for part in ("-addext", extension)],
            check=True,
            capture_output=True,
        )

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

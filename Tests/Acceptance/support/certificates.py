"""Authorities and certificates, made by openssl for the occasion."""

import subprocess

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch")


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A CA of its own. `file` is its certificate."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.file, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl("req", "-x509", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.file)

    def certificate(self, name):
        """A certificate for this name, and for 127.0.0.1: its file and its key's."""
        base = self.folder / f"{self.name}-{name}"
        file, key, request, extensions = (base.with_suffix(f".{end}") for end in ("pem", "key", "csr", "ext"))
        extensions.write_text(f"subjectAltName=DNS:{name},IP:127.0.0.1")
        _openssl("req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl(
            *("x509", "-req", "-days", 2, "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial"),
            *("-extfile", extensions, "-out", file),
        )
        return file, key

"""A page in a real browser, which sends traces across origins. `make soak` installs Chromium for it."""

import base64
import http.server
import subprocess
import threading

import pytest

from support import otlpjson
from support.making import request, trace_of
from support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.soak

PAGE = """<!doctype html><script>
const bytes = Uint8Array.from(atob("{body}"), c => c.charCodeAt(0));
fetch("{endpoint}/v1/traces", {{
  method: "POST", headers: {{"Content-Type": "application/json", "x-api-key": "{key}"}}, body: bytes
}}).then(
  reply => reply.arrayBuffer().then(got => fetch("/told?status=" + reply.status + "&bytes=" + got.byteLength)),
  fault => fetch("/told?fault"))
</script>"""


class Site:
    """A web server with one page, which tells what its visitor heard."""

    def __init__(self):
        self.page = ""
        self.told = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/told?"):
                    site.told.append(self.path.removeprefix("/told?"))
                content = site.page.encode() if self.path == "/" else b""
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


def visit(site, folder):
    """Has the browser open the page, and waits for what the page has to tell."""
    browser = subprocess.Popen(
        [
            "chromium",
            "--headless=new",
            # As root there is no sandbox, and the page is our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--no-first-run",
            "--disable-background-networking",
            f"--user-data-dir={folder / 'profile'}",
            site.origin + "/",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return wait_until(lambda: site.told[0] if site.told else None, "the page", patience=2 * PATIENCE)
    finally:
        browser.kill()
        browser.wait()


@pytest.mark.parametrize("allowed", [True, False], ids=["allowed", "not allowed"])
@pytest.mark.parametrize("key", ["k1", "wrong"])
def test_a_page_sends_by_fetch(site, collector, backend, tmp_path, allowed, key):
    origin = site.origin if allowed else "https://elsewhere.example"
    started = collector(
        {"otlp_http": f"endpoint: '{backend.endpoint}'"},
        receiver=f"auth: {{authenticator: apikeyauth}}, cors: {{allowed_origins: ['{origin}'], allowed_headers: [x-api-key]}}",
        extensions={"apikeyauth": "keys: [{key: k1}]"},
    )
    spans, trace = trace_of(identity={"enduser.id": "ada"})
    site.page = PAGE.format(body=base64.b64encode(otlpjson.text(request(*spans)).encode()).decode(), endpoint=started.endpoint, key=key)
    told = visit(site, tmp_path)
    if not allowed:
        assert told == "fault"
    elif key == "k1":
        assert told == "status=200&bytes=2"
        assert [p.attribute("enduser.id") for p in backend.wait_for(2, {trace})] == ["ada"] * 2
    else:
        assert told.startswith("status=401&bytes=") and not told.endswith("=0")
    if not allowed or key != "k1":
        assert not backend.traces({trace})

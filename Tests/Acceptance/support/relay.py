"""Something between the collector and a backend that understands neither: it passes bytes on, or swallows them."""

import socket
import threading


class Relay:
    """Listens on a free `port`. `target(connection)` is asked for each connection, which it may read from and write to
    first: the port that it goes on to, or None for nowhere, where it is never answered."""

    def __init__(self, target):
        self.target = target
        self.accepted = 0
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        port = self.target(connection)
        if port is None:
            return
        onward = socket.create_connection(("127.0.0.1", port))
        self.sockets.append(onward)
        threading.Thread(target=self._pass_on, args=(onward, connection), daemon=True).start()
        self._pass_on(connection, onward)

    @staticmethod
    def _pass_on(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in [self.listener, *self.sockets]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

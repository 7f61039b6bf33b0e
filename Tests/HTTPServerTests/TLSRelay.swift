import Foundation
import Testing

/// Speaks TLS with a server on behalf of clients that do not: each connection to `port` becomes one to the server.
final class TLSRelay {
  let port: UInt16
  private let process = Process()
  private let input = Pipe()

  /// - Parameters:
  ///   - server: the port that TLS is spoken on.
  ///   - certificates: whose authority `ours` is trusted.
  ///   - client: the certificate that is shown.
  /// - Throws: when Python can't be run.
  init(to server: UInt16, _ certificates: TestCertificates, client: String? = nil) throws {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c", Self.script, String(server), certificates.path("ours.pem"),
      client.map { certificates.path("\($0).pem") } ?? "", client.map { certificates.path("\($0).key") } ?? "",
    ]
    process.standardInput = input
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = try #require(UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  // Ends when its standard input does, that is with this process at the latest.
  private static let script = """
    import asyncio, os, ssl, sys, threading
    server, authority, certificate, key = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    if certificate: context.load_cert_chain(certificate, key)

    async def pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()
        except Exception:
            # As hard as the other side.
            writer.transport.abort()

    async def relay(reader, writer):
        try:
            far = await asyncio.open_connection("127.0.0.1", int(server), ssl=context, server_hostname="localhost")
        except Exception:
            writer.transport.abort()
            return
        await asyncio.gather(pump(reader, far[1]), pump(far[0], writer))

    async def main():
        listening = await asyncio.start_server(relay, "127.0.0.1", 0, backlog=1000)
        print(listening.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)

    asyncio.run(main())
    """
}

/// One request by a client of somebody else's making, which says what came of it: the version, the server's certificate and
/// the reply's status; or why there was none.
func probe(_ port: UInt16, _ certificates: TestCertificates, client: String? = nil, settings: String = "") throws
  -> String
{
  let script = """
    import http.client, ssl, sys
    port, folder, client = sys.argv[1:]
    context = ssl.create_default_context()
    for authority in "ours", "theirs": context.load_verify_locations(f"{folder}/{authority}.pem")
    if client: context.load_cert_chain(f"{folder}/{client}.pem", f"{folder}/{client}.key")
    \(settings)
    connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=60)
    try:
        connection.connect()
        version, names = connection.sock.version(), dict(one[0] for one in connection.sock.getpeercert()["subject"])
        connection.request("POST", "/echo", b"hello")
        reply = connection.getresponse()
        assert reply.read() == b"hello"
        print(version, names["commonName"], reply.status)
    except ssl.SSLError as error:
        print(error.reason)
    except OSError as error:
        print(type(error).__name__)
    """
  let python = Process()
  python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  python.arguments = ["python3", "-W", "ignore", "-c", script, String(port), certificates.directory.path, client ?? ""]
  let output = Pipe()
  python.standardOutput = output
  try python.run()
  let said = output.fileHandleForReading.readDataToEndOfFile()
  python.waitUntilExit()
  return String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
}

import Foundation
import HTTPClient
import OTLP
import TestSupport
import Testing

private typealias Outcome = Result<HTTPResponse, HTTPClientError>

/// An HTTP/2 server without TLS, frame by frame. It answers each request with the number of the connection (from 0) and the
/// length of the body, and with a trailer.
private final class HTTP2Server {
  let port: Int
  private let process = Process()
  private let input = Pipe()

  /// A server that is ready.
  ///
  /// - Parameter behaviour: statements that run once a request has come, before its answer. They see `connection` (its
  ///   number), `requests` (those of the connection so far), `stream` and `frame(type, flags, stream, payload)`, which
  ///   sends.
  /// - Throws: when there is no Python.
  init(_ behaviour: String = "pass") throws {
    // Ends when its standard input does, that is with this process at the latest.
    let script = """
      import os, socket, struct, sys, threading
      def literal(name, value):
          return b"\\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
      def serve(socket, connection):
          data = socket.makefile("rb")
          def frame(type, flags, stream, payload=b""):
              socket.sendall(struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", type, flags, stream) + payload)
          data.read(24)
          frame(4, 0, 0, struct.pack(">HI", 4, 2**31 - 1))
          frame(8, 0, 0, struct.pack(">I", 2**31 - 1 - 65535))
          lengths, requests = {}, 0
          while head := data.read(9):
              type, flags, stream = struct.unpack(">BBI", head[3:])
              payload = data.read(int.from_bytes(head[:3], "big"))
              if type == 4 and not flags & 1: frame(4, 1, 0)
              if type == 6 and not flags & 1: frame(6, 1, 0, payload)
              if type == 0: lengths[stream] = lengths.get(stream, 0) + len(payload)
              if type in (0, 1) and flags & 1:
                  requests += 1
      \(behaviour.split(separator: "\n").map { "            " + $0 }.joined(separator: "\n"))
                  frame(1, 4, stream, b"\\x88")
                  frame(0, 0, stream, f"{connection} {lengths.get(stream, 0)}".encode())
                  frame(1, 5, stream, literal(b"grpc-status", b"7"))
      listener = socket.create_server(("127.0.0.1", 0))
      print(listener.getsockname()[1], flush=True)
      def accept():
          connection = 0
          while True:
              threading.Thread(target=serve, args=(listener.accept()[0], connection), daemon=True).start()
              connection += 1
      threading.Thread(target=accept, daemon=True).start()
      sys.stdin.read()
      os._exit(0)
      """
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    process.standardInput = input
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  func client(_ configure: (inout HTTPClientConfiguration) -> Void = { _ in }) throws -> HTTPClient {
    var configuration = HTTPClientConfiguration()
    configuration.version = .http2
    configure(&configuration)
    let client = try HTTPClient(configuration)
    client.start()
    return client
  }

  func post(_ client: HTTPClient, _ body: EncodedRequest, count: Int = 1) throws -> [Outcome] {
    let outcomes = Collected<Outcome>()
    var request = HTTPRequest(
      url: try HTTPURL("http://127.0.0.1:\(port)/a.Service/Method"), headers: [], body: Segments(body))
    request.answerFields = ["grpc-status", "absent"]
    for _ in 0..<count { client.send(request) { outcomes.append($0) } }
    return outcomes.wait(count: count)
  }
}

extension Outcome {
  fileprivate var text: String? { (try? get()).map { String(decoding: $0.body, as: UTF8.self) } }
}

@Suite struct HTTP2Tests {
  @Test func `a request arrives whole, and headers and trailers of the answer can be asked for`() throws {
    let server = try HTTP2Server()
    let client = try server.client()
    defer { client.stop() }
    let body = SampleRequest.make(spans: 4000, padding: 1000, segmentLength: 10_007)

    let answer = try #require(try server.post(client, body).first?.get())

    #expect(answer.status == 200)
    #expect(String(decoding: answer.body, as: UTF8.self) == "0 \(body.byteCount)")
    #expect(answer.fields == ["grpc-status": "7"])
  }

  @Test func `requests share a connection, at once and one after the other`() throws {
    let server = try HTTP2Server()
    let client = try server.client { $0.maxInFlight = 8 }
    defer { client.stop() }
    let body = SampleRequest.make(spans: 50)

    for _ in 0..<3 {
      let answers = try server.post(client, body, count: 20).map(\.text)
      #expect(answers == Array(repeating: "0 \(body.byteCount)", count: 20))
    }
  }

  @Test func `a connection that the server closes or ends is followed by another`() throws {
    // Closed after the second answer; of the others a GOAWAY comes with the second.
    let server = try HTTP2Server(
      """
      if requests == 2 and connection > 0: frame(7, 0, 0, struct.pack(">II", stream, 0))
      if requests == 3 and connection == 0: socket.shutdown(2); return
      """)
    let client = try server.client { $0.maxInFlight = 1 }
    defer { client.stop() }
    let body = SampleRequest.make()

    var connections: [String] = []
    while connections.count < 8 {
      // What was under way when it closed is the caller's to repeat.
      guard let text = try server.post(client, body).first?.text else { continue }
      connections.append(String(text.prefix { $0 != " " }))
    }
    #expect(connections == ["0", "0", "1", "1", "2", "2", "3", "3"])
  }

  @Test func `a stream that the server refuses or resets costs the others nothing`() throws {
    let server = try HTTP2Server(
      """
      if requests % 3 == 0:
          frame(3, 0, stream, struct.pack(">I", 2))
          continue
      """)
    let client = try server.client()
    defer { client.stop() }
    let body = SampleRequest.make()

    let answers = try server.post(client, body, count: 9).map(\.text)

    #expect(answers.filter { $0 == nil }.count == 3)
    #expect(answers.compactMap(\.self) == Array(repeating: "0 \(body.byteCount)", count: 6))
  }

  @Test func `a connection on which nothing is answered is not used again`() throws {
    let server = try HTTP2Server("if connection == 0: continue")
    let client = try server.client { $0.timeout = .milliseconds(300) }
    defer { client.stop() }
    let body = SampleRequest.make()

    #expect(try server.post(client, body).first?.text == nil)
    #expect(try server.post(client, body).first?.text == "1 \(body.byteCount)")
  }

  @Test func `a server of HTTP/1 is none`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    var configuration = HTTPClientConfiguration()
    configuration.version = .http2
    let client = try HTTPClient(configuration)
    client.start()
    defer { client.stop() }
    let outcomes = Collected<Outcome>()
    let request = HTTPRequest(url: try HTTPURL(server.url), headers: [], body: Segments(SampleRequest.make()))
    client.send(request) { outcomes.append($0) }
    #expect(throws: HTTPClientError.self) { try outcomes.wait(count: 1).first?.get() }
  }

  @Test func `a proxy of the environment is that for https, since it sees nothing`() throws {
    let url = try HTTPURL("http://backend.test:4317")
    let environment = ["HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"]
    #expect(ProxyChoice(for: url, configured: nil, environment: { environment[$0] }).proxy == "http://a:1")
    #expect(
      ProxyChoice(for: url, configured: nil, isTunneled: true, environment: { environment[$0] }).proxy == "http://b:2")
  }
}

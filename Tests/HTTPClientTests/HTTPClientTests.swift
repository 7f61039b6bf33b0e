import HTTPClient
import OTLP
import TestSupport
import Testing

private typealias Outcome = Result<HTTPResponse, HTTPClientError>

/// A body of segments, as an exporter has it.
final class Segments: HTTPBody {
  private let request: EncodedRequest

  init(_ request: EncodedRequest) { self.request = request }

  var byteCount: Int { request.byteCount }
  var segmentCount: Int { request.segmentCount }
  func segment(_ index: Int) -> UnsafeRawBufferPointer { request.segment(index) }
}

extension HTTPClient {
  fileprivate func post(_ url: String, _ body: EncodedRequest, headers: [HTTPHeader] = []) throws -> Collected<Outcome>
  {
    let outcome = Collected<Outcome>()
    send(HTTPRequest(url: try HTTPURL(url), headers: headers, body: Segments(body))) { outcome.append($0) }
    return outcome
  }

  fileprivate static func started(_ configure: (inout HTTPClientConfiguration) -> Void = { _ in }) throws -> HTTPClient
  {
    var configuration = HTTPClientConfiguration()
    configure(&configuration)
    let client = try HTTPClient(configuration)
    client.start()
    return client
  }
}

extension Collected<Outcome> {
  fileprivate var one: Outcome? { wait(count: 1).first }

  fileprivate var response: HTTPResponse? { one.flatMap { try? $0.get() } }

  fileprivate var error: HTTPClientError? {
    if case .failure(let error)? = one { error } else { nil }
  }
}

@Suite struct HTTPClientTests {
  @Test(arguments: [1, 7, 4096, Int.max])
  func `a body in segments arrives byte for byte, with its length and without Expect`(segmentLength: Int) throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let client = try HTTPClient.started { $0.userAgent = "heirloom/test" }
    defer { client.stop() }
    let body = SampleRequest.make(spans: 30, padding: 200, segmentLength: segmentLength)

    let response = try client.post(server.url + "/v1/traces", body, headers: [HTTPHeader("X-Key", "secret")]).response

    #expect(response?.status == 200)
    let request = try #require(server.requests.all.first)
    #expect(request.method == "POST")
    #expect(request.target == "/v1/traces")
    #expect(request.body == body.bytes)
    #expect(request.header("content-length") == String(body.byteCount))
    #expect(request.header("expect") == nil)
    #expect(request.header("transfer-encoding") == nil)
    #expect(request.header("x-key") == "secret")
    #expect(request.header("user-agent") == "heirloom/test")
  }

  @Test(arguments: [HTTPRequest.Method.get, .delete])
  func `a request without a body says its method, its target as it is written, and nothing of a body`(
    method: HTTPRequest.Method
  ) throws {
    let answer = Array("{}".utf8)
    let server = ScriptedHTTPServer([.answer(200, headers: ["Content-Type: application/json"], body: answer)])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }

    // The second goes over the connection of the first, and a POST between them leaves nothing behind.
    for _ in 0..<2 {
      let url = try HTTPURL(server.url + "/api/v1/users/a%2Fb%20c?limit=2&filter=x%26y")
      let outcome = Collected<Outcome>()
      client.send(HTTPRequest(method, url: url, headers: [try HTTPHeader("Authorization", "Bearer t")])) {
        outcome.append($0)
      }
      #expect(outcome.response == HTTPResponse(status: 200, contentType: "application/json", body: answer))
      _ = try client.post(server.url, SampleRequest.make()).one
    }

    #expect(server.requests.all.map(\.method) == [method.rawValue, "POST", method.rawValue, "POST"])
    for request in [server.requests.all[0], server.requests.all[2]] {
      #expect(request.target == "/api/v1/users/a%2Fb%20c?limit=2&filter=x%26y")
      #expect(request.header("authorization") == "Bearer t")
      #expect(request.header("content-length") == nil)
      #expect(request.header("content-type") == nil)
      #expect(request.body == [])
    }
  }

  @Test func `a body of megabytes arrives whole`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }
    let body = SampleRequest.make(spans: 4000, padding: 1000, segmentLength: 10_007)

    _ = try client.post(server.url, body).one

    #expect(server.requests.all.first?.body == body.bytes)
  }

  @Test func `an empty body and an empty header value are sent as such`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }
    let empty = EncodedRequest(segments: [], itemCount: 0) {}

    #expect(try client.post(server.url, empty, headers: [HTTPHeader("X-Empty", "")]).response?.status == 200)
    #expect(server.requests.all.first?.header("content-length") == "0")
    #expect(server.requests.all.first?.header("x-empty") == "")
  }

  @Test func `requests one after the other share a connection`() throws {
    let server = ScriptedHTTPServer([.answer(200)])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }

    for _ in 0..<5 { #expect(try client.post(server.url, SampleRequest.make()).response?.status == 200) }

    #expect(server.requests.all.map(\.connection) == [0, 0, 0, 0, 0])
  }

  @Test func `a kept connection that the server has ended is replaced, and the body sent from its start`() throws {
    let server = ScriptedHTTPServer([.answerAndClose(200), .answer(200)])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }
    let body = SampleRequest.make(spans: 10, padding: 100, segmentLength: 50)

    for _ in 0..<2 { #expect(try client.post(server.url, body).response?.status == 200) }

    #expect(server.requests.all.map(\.connection) == [0, 1])
    #expect(server.requests.all.allSatisfy { $0.body == body.bytes })
  }

  @Test func `no more requests are under way than allowed, and the others follow`() throws {
    let gate = ScriptedHTTPServer.Gate()
    let server = ScriptedHTTPServer([.answerAfter(gate, 200)])
    defer { server.stop() }
    let client = try HTTPClient.started { $0.maxInFlight = 3 }
    defer { client.stop() }

    let outcomes = try (0..<8).map { _ in try client.post(server.url, SampleRequest.make()) }
    #expect(server.requests.wait(count: 3).count == 3)
    gate.open()

    #expect(outcomes.allSatisfy { $0.response?.status == 200 })
    #expect(Set(server.requests.all.map(\.connection)) == [0, 1, 2])
  }

  @Test func `status, type, Retry-After and the beginning of the body come back`() throws {
    let body = [UInt8](repeating: 7, count: 100_000)
    let server = ScriptedHTTPServer([
      .answer(503, headers: ["Content-Type: text/plain", "retry-after: 17"], body: body)
    ])
    defer { server.stop() }
    let client = try HTTPClient.started { $0.responseLimit = 1000 }
    defer { client.stop() }

    for _ in 0..<2 {
      let response = try client.post(server.url, SampleRequest.make()).response
      #expect(
        response
          == HTTPResponse(status: 503, contentType: "text/plain", retryAfter: "17", body: Array(body.prefix(1000))))
    }
    #expect(server.requests.all.map(\.connection) == [0, 0])
  }

  @Test func `an endless answer ends with the status it began with`() throws {
    let server = ScriptedHTTPServer([.answer(200, body: [UInt8](repeating: 7, count: 8 << 20))])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }

    let response = try client.post(server.url, SampleRequest.make()).response

    #expect(response?.status == 200)
    #expect(response?.body.count == 64 << 10)
  }

  @Test func `a redirect is an answer, not an order`() throws {
    let server = ScriptedHTTPServer([.answer(307, headers: ["Location: /elsewhere"])])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }

    #expect(try client.post(server.url, SampleRequest.make()).response?.status == 307)
    #expect(server.requests.all.count == 1)
  }

  @Test(arguments: [ScriptedHTTPServer.Reply.breakWithinBody(200), .closeWithoutAnswer])
  func `a broken connection is an error in words`(reply: ScriptedHTTPServer.Reply) throws {
    let server = ScriptedHTTPServer([reply])
    defer { server.stop() }
    let client = try HTTPClient.started()
    defer { client.stop() }

    #expect(try client.post(server.url, SampleRequest.make()).error?.description.isEmpty == false)
  }

  @Test func `a refused connection is an error that says so`() throws {
    let client = try HTTPClient.started()
    defer { client.stop() }

    let outcome = try client.post("http://127.0.0.1:\(ScriptedHTTPServer.unusedPort())", SampleRequest.make())

    #expect(outcome.error?.description.contains("Failed to connect") == true)
  }

  @Test func `no answer within the timeout is an error`() throws {
    let server = ScriptedHTTPServer([.answerAfter(ScriptedHTTPServer.Gate(), 200)])
    defer { server.stop() }
    let client = try HTTPClient.started { $0.timeout = .milliseconds(50) }
    defer { client.stop() }

    #expect(try client.post(server.url, SampleRequest.make()).error?.description.contains("timed out") == true)
  }

  @Test func `a stop ends what is under way, what waits, and what comes after`() throws {
    let server = ScriptedHTTPServer([.answerAfter(ScriptedHTTPServer.Gate(), 200)])
    defer { server.stop() }
    let client = try HTTPClient.started { $0.maxInFlight = 1 }

    let outcomes = try (0..<3).map { _ in try client.post(server.url, SampleRequest.make()) }
    _ = server.requests.wait(count: 1)
    client.stop()
    let late = try client.post(server.url, SampleRequest.make())

    #expect((outcomes + [late]).map(\.error) == Array(repeating: .stopped, count: 4))
  }

  @Test func `a client that never started can be stopped`() throws {
    let client = try HTTPClient(HTTPClientConfiguration())
    let outcome = try client.post("http://127.0.0.1:1", SampleRequest.make())
    client.stop()
    #expect(outcome.error == .stopped)
  }

  @Test func `a configured proxy gets the request, even for the loopback interface`() throws {
    let proxy = ScriptedHTTPServer([.answer(200)])
    defer { proxy.stop() }
    let client = try HTTPClient.started { $0.proxyURL = proxy.url }
    defer { client.stop() }

    #expect(try client.post("http://127.0.0.1:9/v1/traces", SampleRequest.make()).response?.status == 200)
    #expect(proxy.requests.all.first?.target == "http://127.0.0.1:9/v1/traces")
  }

  @Test func `the environment's proxy gets requests for other machines`() throws {
    let proxy = ScriptedHTTPServer([.answer(200)])
    defer { proxy.stop() }
    let url = proxy.url
    let client = try HTTPClient.started { $0.environment = { ["HTTP_PROXY": url][$0] } }
    defer { client.stop() }

    #expect(try client.post("http://collector.invalid/v1/traces", SampleRequest.make()).response?.status == 200)
    #expect(proxy.requests.all.first?.target == "http://collector.invalid/v1/traces")
  }
}

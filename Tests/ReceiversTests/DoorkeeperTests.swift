import Authentication
import HTTPServer
import OTLP
@testable import Receivers
import SelfTelemetry
import TestSupport
import Testing

/// Who may send, over HTTP.
struct DoorkeeperTests {
  private static func keys(_ keys: [(String, String?)], header: String = "x-api-key") -> Doorkeeper.Duties {
    var configuration = APIKeyAuthenticator.Configuration()
    configuration.header = header
    configuration.keys = keys.map { .init(key: $0.0, tenant: $0.1) }
    var duties = Doorkeeper.Duties()
    duties.authenticator = APIKeyAuthenticator(configuration)
    return duties
  }

  @Test func `who sends no known key hears so before anything of the body is read`() throws {
    try withReceiver(limit: 64 << 20, duties: Self.keys([("secret", nil)])) { receiver in
      for (header, says) in [("X-Other: secret", "x-api-key"), ("X-Api-Key: Secret", "not known")] {
        let client = try receiver.client()
        // No byte of the body ever comes.
        try client.send(
          "POST /v1/traces HTTP/1.1\r\nHost: x\r\n\(protobuf)\r\n\(header)\r\nContent-Length: 10000000\r\n\r\n")
        let reply = try client.receive()
        #expect(reply.status == 401)
        #expect(reply.headers["content-type"] == "application/x-protobuf")
        #expect(reply.headers["www-authenticate"]?.isEmpty == false)
        let status = try #require(ReadStatus(reply.body))
        #expect(status.code == 16)
        #expect(status.message.contains(says))
      }
      #expect(receiver.refusedRequests == 2)
      #expect(receiver.consumer.requests.all.isEmpty)
      let client = try receiver.client()
      // A stranger is not told which paths there are either.
      try client.send("GET", "/nowhere")
      #expect(try client.receive().status == 401)
      #expect(try client.exchange(request(spans: 1), headers: ["X-API-KEY:  secret "]).status == 200)
    }
  }

  @Test func `a browser may ask without credentials, and may read the refusal`() throws {
    try withReceiver(
      duties: Self.keys([("secret", nil)]),
      configure: {
        $0.cors.allowedOrigins = ["https://app.example"]
        $0.cors.allowedHeaders = ["x-api-key"]
      }
    ) { receiver in
      let client = try receiver.client()
      let origin = "Origin: https://app.example"
      try client.send(
        "OPTIONS", "/v1/traces",
        headers: [origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-api-key"])
      let asked = try client.receive()
      #expect(asked.status == 204)
      #expect(asked.headers["access-control-allow-headers"] == "x-api-key")
      let refused = try client.exchange(request(spans: 1), headers: [origin])
      #expect(refused.status == 401)
      #expect(refused.headers["access-control-allow-origin"] == "https://app.example")
      #expect(try client.exchange(request(spans: 1), headers: [origin, "x-api-key: secret"]).status == 200)
    }
  }

  @Test func `what an authenticator cannot check now comes again later`() throws {
    struct Busy: Authenticator {
      func authenticate(_ header: (String) -> String?) throws(AuthenticationFailure) -> Principal {
        throw .busy(message: "too much", retryAfter: 7)
      }
    }
    var duties = Doorkeeper.Duties()
    duties.authenticator = Busy()
    try withReceiver(duties: duties) { receiver in
      let reply = try receiver.client().exchange(request(spans: 1))
      #expect(reply.status == 503)
      #expect(reply.headers["retry-after"] == "7")
      #expect(ReadStatus(reply.body)?.code == 14)
    }
  }

  @Test func `before it has duties, nobody comes in`() throws {
    #expect(throws: AuthenticationFailure.self) { try Doorkeeper().admit { _ in "x" } }
  }

  @Test func `it keeps the headers that are wanted, and whose request it is`() throws {
    var duties = Self.keys([("a", "acme"), ("b", nil)])
    duties.wantedHeaders = ["x-end-user-id"]
    let doorkeeper = Doorkeeper()
    doorkeeper.take(duties)
    func origin(_ headers: [String: String]) throws -> RequestOrigin? { try doorkeeper.admit { headers[$0] } }
    #expect(try origin(["x-api-key": "b", "x-end-user-id": "", "x-more": "1"]) == nil)
    #expect(try origin(["x-api-key": "a"]) == RequestOrigin(tenant: "acme"))
    #expect(
      try origin(["x-api-key": "a", "x-end-user-id": "u"])
        == RequestOrigin(tenant: "acme", headers: [("x-end-user-id", "u")]))
    #expect(try origin(["x-api-key": "b", "x-end-user-id": "u"])?.header("x-end-user-id") == "u")
  }

  @Test func `further paths take traces too`() throws {
    try withReceiver(configure: { $0.extraTracesPaths = ["/api/ingest"] }) { receiver in
      let client = try receiver.client()
      for (path, status) in [
        ("/api/ingest", 200), ("/v1/traces", 200), ("/api/public/otel/v1/traces", 200), ("/x", 404),
      ] {
        try client.send("POST", path, headers: [protobuf], body: request(spans: 1))
        #expect(try client.receive().status == status)
      }
    }
  }
}

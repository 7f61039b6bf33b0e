import Locks
import TestSupport
import Testing

@testable import Console

@Suite struct AccessTests {
  @Test func `asks for the token that it was given`() throws {
    let served = try ServedLedger { $0.token = "s3cret" }
    for (headers, status) in [
      ([], 401), (["Authorization: Bearer s3cret"], 200), (["authorization: bearer   s3cret "], 200),
      (["Authorization: Bearer S3cret"], 401), (["Authorization: Bearer s3cre"], 401),
      (["Authorization: Bearer s3crets"], 401), (["Authorization: Bearer"], 401), (["Authorization: s3cret"], 401),
      (["Authorization: Basic s3cret"], 401), (["Authorization: "], 401),
    ] {
      let reply = try served.ask("/api/v1/users", headers: headers)
      #expect(reply.status == status, "\(headers)")
      #expect((reply.headers["www-authenticate"] == "Bearer realm=\"heirloom\"") == (status == 401))
    }
    // Nobody learns without it what is there.
    for path in ["/", "/nothing", "/api/v1/openapi.json", "/api/v1/users/ann"] {
      #expect(try served.ask(path).status == 401)
    }
    #expect(try served.ask("/api/v1/users/ann", method: "DELETE").status == 401)
    #expect(served.forgotten.withLock { $0.isEmpty })
    // Whoever has the token may call it what he likes.
    #expect(try served.ask("/", host: "ledger.example", headers: ["Authorization: Bearer s3cret"]).status == 200)
  }

  @Test(arguments: [
    ("localhost", 200), ("localhost:4319", 200), ("LOCALHOST", 200), ("ledger.localhost:1", 200),
    ("127.0.0.1:4319", 200),
    ("192.168.1.2", 200), ("[::1]:4319", 200), ("[::1]", 200), ("evil.example", 403), ("evil.example:4319", 403),
    ("127.0.0.1.evil.example", 403), ("localhost.evil.example", 403), ("", 403), ("[evil]", 403),
  ])
  func `without a token, no web page gets in by a name of its own`(host: String, status: Int) throws {
    let served = try ServedLedger()
    #expect(try served.ask("/api/v1/users", host: host).status == status)
    #expect(try served.ask("/api/v1/users/ann", method: "DELETE", host: host).status == status)
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.8.9.1", true), ("::1", true), ("localhost", true), ("LocalHost", true),
    ("0.0.0.0", false),
    ("::", false), ("", false), ("10.0.0.1", false), ("ledger.example", false), ("127.0.0.1.example", false),
    ("::2", false), ("1::1", false), ("127.1", false),
  ])
  func `elsewhere than on loopback, a token is needed`(host: String, isLoopback: Bool) {
    var configuration = Console.Configuration()
    configuration.host = host
    #expect((configuration.objection == nil) == isLoopback)
    configuration.token = "s3cret"
    #expect(configuration.objection == nil)
  }

  @Test(arguments: ["", " ", "two words", "line\n", "ünï"])
  func `a token is what a header can hold`(token: String) {
    var configuration = Console.Configuration()
    configuration.token = token
    #expect(configuration.objection?.hasPrefix("token: ") == true)
  }
}

@testable import Authentication
import Foundation
import SelfTelemetry
import Testing

struct AuthenticatorTests {
  private let log = Log { _ in }

  private func headers(_ headers: [String: String]) -> (String) -> String? { { headers[$0] } }

  private func refusal(_ authenticator: any Authenticator, _ sent: [String: String]) -> AuthenticationFailure? {
    do {
      _ = try authenticator.authenticate(headers(sent))
      return nil
    } catch {
      return error
    }
  }

  @Test func `a bearer token stands behind its scheme`() throws {
    var configuration = BearerTokenAuthenticator.Configuration()
    configuration.tokens = ["one", "two"]
    let authenticator = try BearerTokenAuthenticator(configuration, log: log)
    for value in ["Bearer one", "bearer two", "BEARER  two"] {
      #expect(try authenticator.authenticate(headers(["authorization": value])) == Principal(tenant: nil))
    }
    for value in ["one", "Bearer", "Bearer ", "Bearer three", "Basic one", "Bearerone", "Bearer on", "Bearer one two"] {
      guard case .unauthenticated(_, let challenge) = refusal(authenticator, ["authorization": value]) else {
        Issue.record("\(value) was taken")
        continue
      }
      #expect(challenge.hasPrefix("Bearer realm="))
    }
    #expect(refusal(authenticator, [:]) != nil)
  }

  @Test func `a token may stand elsewhere, without a scheme`() throws {
    var configuration = BearerTokenAuthenticator.Configuration()
    (configuration.scheme, configuration.header, configuration.tokens) = ("", "X-Token", ["t"])
    let authenticator = try BearerTokenAuthenticator(configuration, log: log)
    #expect(refusal(authenticator, ["x-token": "t"]) == nil)
    #expect(refusal(authenticator, ["x-token": "Bearer t"]) != nil)
  }

  @Test func `tokens of a file are read again when it has changed, and stay when it is gone`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data("one\n\n two \n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    var configuration = BearerTokenAuthenticator.Configuration()
    configuration.filename = file.path
    let authenticator = try BearerTokenAuthenticator(configuration, log: log)
    func takes(_ token: String) -> Bool { refusal(authenticator, ["authorization": "Bearer \(token)"]) == nil }
    #expect(takes("one") && takes("two") && !takes("three") && !takes(""))
    try Data("three".utf8).write(to: file)
    while !takes("three") { usleep(50_000) }
    #expect(!takes("one"))
    try FileManager.default.removeItem(at: file)
    usleep(1_100_000)
    #expect(takes("three"))
    try Data("four, which is longer".utf8).write(to: file)
    while !takes("four, which is longer") { usleep(50_000) }
  }

  @Test func `a file that is not there is told at the start`() {
    var configuration = BearerTokenAuthenticator.Configuration()
    configuration.filename = "/nowhere/tokens"
    let error = #expect(throws: CredentialFileError.self) { try BearerTokenAuthenticator(configuration, log: log) }
    #expect(error?.description == "/nowhere/tokens: No such file or directory")
  }

  @Test func `basic credentials are a name and a password in base64`() throws {
    var configuration = BasicAuthenticator.Configuration()
    configuration.inline = "ada:lovelace\nbob:has:colons\nk\u{E4}the:\u{20AC}"
    let authenticator = try BasicAuthenticator(configuration, log: log)
    func sent(_ credentials: String) -> [String: String] {
      ["authorization": "Basic " + Data(credentials.utf8).base64EncodedString()]
    }
    for good in ["ada:lovelace", "bob:has:colons", "k\u{E4}the:\u{20AC}"] {
      #expect(try authenticator.authenticate(headers(sent(good))) == Principal(tenant: nil))
    }
    for bad in ["ada:Lovelace", "ada:", "ada", "", "eve:lovelace", "ada:lovelace\0", ":"] {
      #expect(refusal(authenticator, sent(bad)) != nil)
    }
    #expect(refusal(authenticator, ["authorization": "Basic ???"]) != nil)
    #expect(refusal(authenticator, [:]) != nil)
    configuration.usersAreTenants = true
    #expect(
      try BasicAuthenticator(configuration, log: log).authenticate(headers(sent("ada:lovelace")))
        == Principal(tenant: "ada"))
  }

  @Test func `what stands in the configuration goes before the file`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data("ada:old\nbob:b".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    var configuration = BasicAuthenticator.Configuration()
    (configuration.file, configuration.inline) = (file.path, "ada:new")
    let authenticator = try BasicAuthenticator(configuration, log: log)
    for (credentials, isGood) in [("ada:new", true), ("ada:old", false), ("bob:b", true)] {
      let sent = ["authorization": "Basic " + Data(credentials.utf8).base64EncodedString()]
      #expect((refusal(authenticator, sent) == nil) == isGood)
    }
  }

  @Test func `a key has a tenant`() throws {
    var configuration = APIKeyAuthenticator.Configuration()
    configuration.keys = [.init(key: "k1", tenant: "acme"), .init(key: "k2", tenant: nil)]
    let authenticator = APIKeyAuthenticator(configuration)
    #expect(try authenticator.authenticate(headers(["x-api-key": "k1"])).tenant == "acme")
    #expect(try authenticator.authenticate(headers(["x-api-key": "k2"])).tenant == nil)
    for bad in ["", "k", "k11", "K1"] { #expect(refusal(authenticator, ["x-api-key": bad]) != nil) }
  }

  @Test func `of several, one that knows the sender is enough`() throws {
    var tokens = BearerTokenAuthenticator.Configuration()
    tokens.tokens = ["t"]
    var keys = APIKeyAuthenticator.Configuration()
    keys.keys = [.init(key: "k", tenant: "acme")]
    let both = AnyAuthenticator([try BearerTokenAuthenticator(tokens, log: log), APIKeyAuthenticator(keys)])
    #expect(try both.authenticate(headers(["authorization": "Bearer t"])).tenant == nil)
    #expect(try both.authenticate(headers(["authorization": "Bearer x", "x-api-key": "k"])).tenant == "acme")
    guard case .unauthenticated(let message, let challenge) = refusal(both, [:]) else {
      Issue.record("nobody was refused")
      return
    }
    #expect(message.contains("token") && message.contains("key"))
    #expect(challenge == "Bearer realm=\"heirloom\", ApiKey realm=\"heirloom\"")
  }
}

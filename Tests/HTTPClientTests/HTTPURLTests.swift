import HTTPClient
import Testing

@Suite struct HTTPURLTests {
  @Test func `a URL is taken apart`() throws {
    let url = try HTTPURL("https://Collector.example/base?a=b")
    #expect(url.scheme == "https")
    #expect(url.host == "Collector.example")
    #expect(url.port == 443)
    #expect(try HTTPURL("http://[::1]:4318").host == "[::1]")
    #expect(try HTTPURL("http://localhost:4318").port == 4318)
  }

  @Test(arguments: [
    "", "localhost:4318", "ftp://host/", "http://", "http:///path", "http://host:99999", "http://a b/",
    "http://host\n/",
    "http://host/\u{0}",
  ])
  func `what is no such URL is refused with the text in the message`(text: String) {
    let error = #expect(throws: HTTPClientError.self) { try HTTPURL(text) }
    #expect(error?.description.contains("\"\(text)\"") == true)
  }

  @Test(arguments: [
    "ftp://user:s3cret@host:4318", "user:s3cret@host:4318", "http://s3cret@host:99999", "http://user:s3/cret@host:4318",
    "http://user:s3cret@", "s3cret@host",
  ])
  func `who is named before a host is not told`(text: String) {
    let error = #expect(throws: HTTPClientError.self) { try HTTPURL(text) }
    #expect(error?.description.contains("[REDACTED]@") == true)
    #expect(error?.description.contains("s3") == false)
  }

  @Test(arguments: ["http://localhost", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]", "http://a.localhost"])
  func `this machine is known by its names`(text: String) throws {
    #expect(try HTTPURL(text).isLoopback)
  }

  @Test(arguments: ["http://127.example.com", "http://localhost.example.com", "http://10.0.0.1"])
  func `other machines are not taken for this one`(text: String) throws {
    #expect(try !HTTPURL(text).isLoopback)
  }

  @Test func `a header that would forge another is refused`() {
    #expect(throws: HTTPClientError.self) { try HTTPHeader("X-Key", "a\r\nHost: b") }
    #expect(throws: HTTPClientError.self) { try HTTPHeader("X Key", "a") }
    #expect(throws: HTTPClientError.self) { try HTTPHeader("", "a") }
  }
}

@Suite struct ProxyChoiceTests {
  private func choice(_ url: String, configured: String? = nil, _ environment: [String: String]) throws -> ProxyChoice {
    ProxyChoice(for: try HTTPURL(url), configured: configured, environment: { environment[$0] })
  }

  @Test func `each scheme has its variable, upper case first`() throws {
    let variables = ["HTTP_PROXY": "h:1", "http_proxy": "h:2", "https_proxy": "s:1", "NO_PROXY": "x"]
    #expect(try choice("http://example.com", variables).proxy == "h:1")
    #expect(try choice("https://example.com", variables).proxy == "s:1")
    #expect(try choice("https://example.com", variables).exceptions == "x")
    #expect(try choice("https://example.com", [:]).proxy == "")
  }

  @Test func `the environment does not stand between programs of one machine`() throws {
    #expect(try choice("http://localhost:4318", ["HTTP_PROXY": "h:1"]).proxy == "")
  }

  @Test func `a configured proxy has no exceptions`() throws {
    let choice = try choice("http://localhost:4318", configured: "c:1", ["HTTP_PROXY": "h:1", "NO_PROXY": "*"])
    #expect(choice.proxy == "c:1")
    #expect(choice.exceptions == "")
  }
}

import Foundation
import Testing

@testable import Terminal

@Suite struct LedgerRequestTests {
  @Test func `ids and values are encoded as parts of a URL`() throws {
    var request = LedgerRequest("users", "a/b c?&é%", "traces")
    request.ask("filter", "cost > 0.5 and tag is \"x&y\"")
    request.ask("since", nil)
    request.ask("limit", "50")
    #expect(
      request.target
        == "/api/v1/users/a%2Fb%20c%3F%26%C3%A9%25/traces?filter=cost%20%3E%200.5%20and%20tag%20is%20%22x%26y%22&limit=50"
    )
    // Foundation reads what was written.
    let parts = try #require(URLComponents(string: "http://h" + request.target))
    #expect(parts.queryItems?.map(\.value) == ["cost > 0.5 and tag is \"x&y\"", "50"])
    #expect(parts.path == "/api/v1/users/a/b c?&é%/traces")
  }

  @Test func `without parameters there is no query`() {
    #expect(LedgerRequest("overview").target == "/api/v1/overview")
  }

  @Test(arguments: [".", ".."])
  func `an id of dots is no way through the path`(id: String) {
    #expect(!LedgerRequest("users", id).target.contains("."))
  }
}

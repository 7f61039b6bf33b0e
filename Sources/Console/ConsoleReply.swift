import HTTPServer
import Ledger

/// The replies of the console.
enum ConsoleReply {
  /// What people asked is theirs: no proxy keeps it, and no browser takes it for something else.
  private static let headers = [(name: "Cache-Control", value: "no-store"), ("X-Content-Type-Options", "nosniff")]

  static func answer(_ answer: LedgerAPI.Answer) -> HTTPResponse {
    json(answer.status, answer.json, answer.status == 503 ? [("Retry-After", "1")] : [])
  }

  static func failure(
    _ status: Int, _ message: String, _ more: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    json(status, LedgerAPI.failure(status, message).json, more)
  }

  static func wrongMethod(_ methods: [String]) -> HTTPResponse {
    failure(405, "only \(methods.joined(separator: ", ")) here", [("Allow", methods.joined(separator: ", "))])
  }

  static let tokenNeeded = failure(
    401, "a token is needed: Authorization: Bearer …", [("WWW-Authenticate", "Bearer realm=\"heirloom\"")])
  static let strangeHost = failure(
    403, "without a token, only requests to localhost or to an address in numbers are answered")
  static let unknownPath = failure(404, "there is nothing at this path; see /api/v1/openapi.json")
  static let busy = failure(503, LedgerQueryError.busy.description, [("Retry-After", "1")])
  static let openAPI = json(200, Array(OpenAPI.document.utf8))
  static let index = HTTPResponse(
    status: 200, contentType: "text/plain; charset=utf-8", headers: headers,
    body: Array(
      """
      Heirloom's ledger: who used what.
      What can be asked, and what is answered: /api/v1/openapi.json

      """.utf8))

  private static func json(
    _ status: Int, _ body: [UInt8], _ more: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "application/json", headers: headers + more, body: body)
  }
}

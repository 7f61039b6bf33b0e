import Exporters
import HTTPClient
import Pipeline
import Testing

@Suite struct OTLPHTTPResponseTests {
  private struct Unreadable: Error {}

  /// Decoders of a make-believe protobuf: a message is text after a capital letter.
  private func judge(_ response: HTTPResponse) -> OTLPHTTPResponse {
    OTLPHTTPResponse(
      response, unixTime: 784_111_777,
      decodeStatus: { bytes in
        bytes.first == UInt8(ascii: "S") ? String(decoding: bytes.dropFirst(), as: UTF8.self) : nil
      },
      decodePartialSuccess: { bytes in
        guard let first = bytes.first else { return nil }
        guard first == UInt8(ascii: "P") else { throw Unreadable() }
        return (rejected: bytes.count - 1, message: String(decoding: bytes.dropFirst(), as: UTF8.self))
      })
  }

  private func response(
    _ status: Int, _ body: String = "", type: String? = "application/x-protobuf", retryAfter: String? = nil
  ) -> HTTPResponse {
    HTTPResponse(status: status, contentType: type, retryAfter: retryAfter, body: Array(body.utf8))
  }

  @Test(arguments: [200, 202, 204, 299])
  func `every 2xx is a success`(status: Int) {
    #expect(judge(response(status)).outcome == .delivered(rejected: 0))
    #expect(judge(response(status)).warning == nil)
  }

  @Test func `a partial success tells its count and message`() {
    let answer = judge(response(200, "Pbad", type: "Application/X-Protobuf; charset=x"))
    #expect(answer.outcome == .delivered(rejected: 3))
    #expect(answer.warning == "bad")
    #expect(judge(response(200, "P")).warning == nil)
  }

  @Test(arguments: [("{}", "application/json"), ("<html>", "text/html"), ("garbage", "application/x-protobuf")])
  func `a success that cannot be read is a success`(body: String, type: String) {
    #expect(judge(response(200, body, type: type)).outcome == .delivered(rejected: 0))
  }

  @Test(arguments: [429, 502, 503, 504])
  func `a server that may recover is tried again, after the wait it asks for`(status: Int) {
    #expect(
      judge(response(status, "Sbusy", retryAfter: "17")).outcome
        == .unavailable(reason: "HTTP \(status): busy", wait: .seconds(17)))
    #expect(
      judge(response(status, retryAfter: "Sun, 06 Nov 1994 08:50:37 GMT")).outcome
        == .unavailable(reason: "HTTP \(status)", wait: .seconds(60)))
    #expect(judge(response(status, retryAfter: "soon")).outcome == .unavailable(reason: "HTTP \(status)", wait: nil))
  }

  @Test(arguments: [301, 307, 400, 404, 408, 413, 415, 422, 500, 501, 505])
  func `every other status is final, with the server's message`(status: Int) {
    // A part of the request may be taken where something in it is at fault, or its size.
    let isAboutItems = [400, 413, 422].contains(status)
    func refused(_ message: String) -> SendOutcome {
      .refused(reason: "HTTP \(status): \(message)", status: status, isAboutItems: isAboutItems)
    }
    #expect(judge(response(status, "Sbroken")).outcome == refused("broken"))
    #expect(judge(response(status, "plain words", type: nil)).outcome == refused("plain words"))
    #expect(judge(response(status, "not it")).outcome == refused("not it"))
  }

  @Test(arguments: [401, 403]) func `wrong credentials are no reason to let go of the data`(status: Int) {
    guard case .unavailable(let reason, nil) = judge(response(status, "Sexpired")).outcome else {
      return #expect(Bool(false), "a \(status) is held")
    }
    #expect(reason.contains("HTTP \(status): expired") && reason.contains("held"))
  }

  @Test func `only the beginning of a page goes to the log`() {
    let page = String(repeating: "a", count: 10_000)
    guard case .refused(let refused) = judge(response(404, page, type: "text/html")).outcome else {
      return #expect(Bool(false), "a 404 is final")
    }
    #expect(refused.reason.count < 1000)
  }
}

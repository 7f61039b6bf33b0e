import OTLP
import Testing

struct ServiceReplyTests {
  private func decodeStatus(_ bytes: [UInt8]) throws -> ServiceReply.Status {
    try bytes.withUnsafeBytes { try ServiceReply.decodeStatus($0) }
  }

  private func decodePartialSuccess(_ bytes: [UInt8]) throws -> ServiceReply.PartialSuccess? {
    try bytes.withUnsafeBytes { try ServiceReply.decodePartialSuccess($0) }
  }

  @Test func `a status is encoded as google rpc Status`() {
    #expect(
      ServiceReply.status(code: 3, message: "body is no protobuf")
        == HandWire.number(1, 3) + HandWire.text(2, "body is no protobuf"))
    #expect(ServiceReply.status(code: 0, message: "") == [])
  }

  @Test(arguments: Signal.allCases)
  func `a partial success is encoded`(signal: Signal) {
    #expect(
      ServiceReply.success(signal: signal, rejected: 300, message: "bad trace id")
        == HandWire.message(1, HandWire.number(1, 300), HandWire.text(2, "bad trace id")))
    #expect(ServiceReply.success(signal: signal, rejected: 1) == HandWire.message(1, HandWire.number(1, 1)))
  }

  @Test(arguments: Signal.allCases)
  func `a success without a word is empty`(signal: Signal) {
    #expect(ServiceReply.success(signal: signal) == [])
  }

  @Test func `a message ends at its NUL`() {
    #expect(ServiceReply.status(code: 3, message: "one\0two") == ServiceReply.status(code: 3, message: "one"))
  }

  @Test func `what is encoded is decoded`() throws {
    let status = ServiceReply.status(code: -5, message: "über")
    #expect(try decodeStatus(status) == ServiceReply.Status(code: -5, message: "über"))
    let partial = ServiceReply.success(signal: .logs, rejected: 4, message: "why")
    #expect(try decodePartialSuccess(partial) == ServiceReply.PartialSuccess(rejected: 4, message: "why"))
  }

  @Test func `details and unknown fields of a status are passed over`() throws {
    let bytes =
      HandWire.message(3, HandWire.text(1, "type.googleapis.com/google.rpc.RetryInfo"), HandWire.bytes(2, [0xff]))
      + HandWire.text(2, "busy") + HandWire.number(1, 14) + HandWire.number(99, 1)
    #expect(try decodeStatus(bytes) == ServiceReply.Status(code: 14, message: "busy"))
    #expect(try decodeStatus([]) == ServiceReply.Status(code: 0, message: ""))
  }

  @Test func `a partial success in pieces is merged, the last value counting`() throws {
    let bytes =
      HandWire.message(1, HandWire.number(1, 1), HandWire.text(2, "first"))
      + HandWire.message(1, HandWire.text(2, "last"))
    #expect(try decodePartialSuccess(bytes) == ServiceReply.PartialSuccess(rejected: 1, message: "last"))
  }

  @Test func `a response that tells nothing has no partial success`() throws {
    #expect(try decodePartialSuccess([]) == nil)
    #expect(try decodePartialSuccess(HandWire.message(1)) == nil)
    #expect(try decodePartialSuccess(HandWire.number(2, 1)) == nil)
    #expect(
      try decodePartialSuccess(HandWire.message(1, HandWire.text(2, "careful")))
        == ServiceReply.PartialSuccess(rejected: 0, message: "careful"))
  }

  @Test(arguments: [Array("<html>502</html>".utf8), [0x0a, 5, 1], [0x0b], [0x80], [0x12, 0xff, 0xff]] as [[UInt8]])
  func `bytes that are no message are refused`(bytes: [UInt8]) {
    #expect(throws: ServiceReply.Malformed()) { try decodeStatus(bytes) }
    #expect(throws: ServiceReply.Malformed()) { try decodePartialSuccess(bytes) }
  }

  @Test func `a broken partial success is refused`() {
    #expect(throws: ServiceReply.Malformed()) { try decodePartialSuccess(HandWire.message(1, [0x12, 9])) }
  }

  @Test func `text is repaired and cut`() throws {
    let long = HandWire.bytes(2, [0xff] + Array(repeating: 0x61, count: 10_000))
    let message = try decodeStatus(long).message
    #expect(message == "\u{fffd}" + String(repeating: "a", count: ServiceReply.longestText - 1))
  }
}

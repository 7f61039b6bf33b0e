import HTTPClient
import OTLP

/// A request as gRPC frames it: five bytes, and then the request, which stays where it is.
final class GRPCMessage: HTTPBody, @unchecked Sendable {
  // Sendable: the prefix is written before init returns and only read afterwards.
  static let prefixLength = 5

  private let prefix: UnsafeRawBufferPointer
  private let request: EncodedRequest

  init(_ request: EncodedRequest, isCompressed: Bool) {
    let prefix = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.prefixLength, alignment: 1)
    prefix[0] = isCompressed ? 1 : 0
    prefix.storeBytes(of: UInt32(clamping: request.byteCount).bigEndian, toByteOffset: 1, as: UInt32.self)
    self.prefix = UnsafeRawBufferPointer(prefix)
    self.request = request
  }

  deinit { prefix.deallocate() }

  var byteCount: Int { Self.prefixLength + request.byteCount }
  var segmentCount: Int { 1 + request.segmentCount }
  func segment(_ index: Int) -> UnsafeRawBufferPointer { index == 0 ? prefix : request.segment(index - 1) }

  /// The first message of an answer, and whether it is compressed; nil when there is no whole one.
  static func first(of body: [UInt8]) -> (isCompressed: Bool, bytes: ArraySlice<UInt8>)? {
    guard body.count >= prefixLength else { return nil }
    let length = body[1..<prefixLength].reduce(0) { $0 << 8 | Int($1) }
    guard length <= body.count - prefixLength else { return nil }
    return (body[0] == 1, body[prefixLength..<prefixLength + length])
  }
}

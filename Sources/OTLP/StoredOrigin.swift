/// The origin of a request behind its bytes, where they are stored: a field of the message that nobody knows, and the last one.
///
///     tag, length           as of any field
///     tenant                1 and a text, or 0
///     headers               their number, and for each two texts
///     bytes of all of this  4, from the tag on, little endian
///     magic                 8
///
/// A text is its length in bytes and these. Numbers are varints where nothing else is said. It is found from its end. A request
/// without an origin has nothing behind it, unless it ends like one that has: then an empty origin follows. So nobody can
/// send what is taken for an origin later.
package enum StoredOrigin {
  private static let magic: [UInt8] = [0x1B, 0x48, 0x4C, 0x52, 0x4F, 0x52, 0x47, 0x1B]
  /// Field 2047, length-delimited: out of the way of what OTLP may have one day.
  private static let tag: [UInt8] = [0xFA, 0x7F]
  private static let lengthSize = 4

  /// What is to be stored behind a request; nil for nothing, which is usual.
  package static func suffix(_ origin: RequestOrigin?, behind request: UnsafeRawBufferPointer) -> [UInt8]? {
    guard origin != nil || endsLikeOrigin(request) else { return nil }
    var content: [UInt8] = []
    append(origin?.tenant, to: &content)
    Varint.append(origin?.headers.count ?? 0, to: &content)
    for (name, value) in origin?.headers ?? [] {
      append(name, to: &content)
      append(value, to: &content)
    }
    let payloadLength = content.count + lengthSize + magic.count
    var bytes = tag
    Varint.append(payloadLength, to: &bytes)
    bytes += content
    withUnsafeBytes(of: UInt32(bytes.count + lengthSize + magic.count).littleEndian) { bytes += $0 }
    return bytes + magic
  }

  /// What is stored behind a request: nil for nothing.
  package static func suffix(of stored: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard endsLikeOrigin(stored) else { return nil }
    let end = stored.count - magic.count - lengthSize
    guard end >= 0 else { return nil }
    let size = Int(UInt32(littleEndian: stored.loadUnaligned(fromByteOffset: end, as: UInt32.self)))
    guard size <= stored.count, size >= tag.count + 1 + lengthSize + magic.count else { return nil }
    let suffix = UnsafeRawBufferPointer(rebasing: stored[(stored.count - size)...])
    return suffix.starts(with: tag) ? suffix : nil
  }

  /// The origin that is stored behind a request; nil when there is none, or an empty one.
  package static func read(from stored: UnsafeRawBufferPointer) -> RequestOrigin? {
    guard let suffix = suffix(of: stored) else { return nil }
    var rest = suffix[tag.count..<(suffix.count - lengthSize - magic.count)]
    guard number(&rest) != nil, let hasTenant = number(&rest) else { return nil }
    var tenant: String?
    if hasTenant == 1 {
      guard let name = text(&rest) else { return nil }
      tenant = name
    }
    guard let count = number(&rest), count <= rest.count else { return nil }
    var headers: [(name: String, value: String)] = []
    for _ in 0..<count {
      guard let name = text(&rest), let value = text(&rest) else { return nil }
      headers.append((name, value))
    }
    return tenant == nil && headers.isEmpty ? nil : RequestOrigin(tenant: tenant, headers: headers)
  }

  private static func endsLikeOrigin(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= magic.count && bytes.suffix(magic.count).elementsEqual(magic)
  }

  private static func append(_ text: String?, to bytes: inout [UInt8]) {
    bytes.append(text == nil ? 0 : 1)
    if let text { append(text, to: &bytes) }
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    Varint.append(text.utf8.count, to: &bytes)
    bytes += text.utf8
  }

  /// A number of less than 2^28.
  private static func number(_ rest: inout UnsafeRawBufferPointer.SubSequence) -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 28, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private static func text(_ rest: inout UnsafeRawBufferPointer.SubSequence) -> String? {
    guard let count = number(&rest), count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return String(decoding: rest.prefix(count), as: UTF8.self)
  }
}

import CHTTPServer
import Glibc

/// Method, path and headers of a request, borrowed from its connection: valid while the handler's method runs that
/// got it.
package struct HTTPRequestHead {
  private let connection: OpaquePointer
  private let rawMethod: UnsafePointer<CChar>
  private let rawPath: UnsafePointer<CChar>
  private let rawQuery: UnsafePointer<CChar>?

  /// Bytes of the body as announced; nil when it comes in chunks.
  package let contentLength: Int?

  init(
    connection: OpaquePointer, method: UnsafePointer<CChar>, path: UnsafePointer<CChar>,
    query: UnsafePointer<CChar>?, contentLength: Int?
  ) {
    self.connection = connection
    self.rawMethod = method
    self.rawPath = path
    self.rawQuery = query
    self.contentLength = contentLength
  }

  /// As sent: `GET`, `POST`, or any other word.
  package var method: String { String(cString: rawMethod) }

  /// Percent-decoded and without the query. What is not UTF-8 is repaired.
  package var path: String { PercentEncoding.decode(UnsafeRawBufferPointer(start: rawPath, count: strlen(rawPath))) }

  /// What stands between the slashes of the path, each piece percent-decoded by itself: a slash that was sent as `%2F` is
  /// part of its piece. The path `/` has one empty piece.
  package var pathPieces: [String] {
    let bytes = UnsafeRawBufferPointer(start: rawPath, count: strlen(rawPath))
    return bytes.dropFirst(bytes.first == UInt8(ascii: "/") ? 1 : 0)
      .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { PercentEncoding.decode(UnsafeRawBufferPointer(rebasing: $0)) }
  }

  /// The query's parameters in their order, decoded, where `+` is a space. A value is nil where there is no `=`. What is not
  /// UTF-8 is repaired.
  package var parameters: [(name: String, value: String?)] {
    guard let rawQuery else { return [] }
    return UnsafeRawBufferPointer(start: rawQuery, count: strlen(rawQuery)).split(separator: UInt8(ascii: "&")).map {
      let sides = $0.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        .map { PercentEncoding.decode(UnsafeRawBufferPointer(rebasing: $0), plusIsSpace: true) }
      return (sides[0], sides.count > 1 ? sides[1] : nil)
    }
  }

  /// The first header of that name, in any letter case; nil when there is none.
  package func header(_ name: StaticString) -> HTTPHeaderValue? {
    var value: UnsafePointer<CChar>?
    var count = 0
    let found = name.withUTF8Buffer { name in
      name.withMemoryRebound(to: CChar.self) { chttp_header(connection, $0.baseAddress, $0.count, &value, &count) }
    }
    return found ? HTTPHeaderValue(bytes: UnsafeRawBufferPointer(start: value, count: count)) : nil
  }

  /// The same for a name that only the configuration knows.
  package func header(named name: String) -> HTTPHeaderValue? {
    var name = name
    return name.withUTF8 { name in
      name.withMemoryRebound(to: CChar.self) { name in
        var value: UnsafePointer<CChar>?
        var count = 0
        guard chttp_header(connection, name.baseAddress, name.count, &value, &count) else { return nil }
        return HTTPHeaderValue(bytes: UnsafeRawBufferPointer(start: value, count: count))
      }
    }
  }
}

/// A header's value, borrowed like the head it comes from.
package struct HTTPHeaderValue {
  /// As sent, without the blanks around it.
  package let bytes: UnsafeRawBufferPointer

  init(bytes: UnsafeRawBufferPointer) {
    let start = bytes.firstIndex { !Self.isBlank($0) } ?? bytes.endIndex
    let end = bytes.lastIndex { !Self.isBlank($0) } ?? start
    self.bytes = UnsafeRawBufferPointer(rebasing: bytes[start..<min(end + 1, bytes.endIndex)])
  }

  /// A copy. What is not UTF-8 is repaired.
  package var string: String { String(decoding: bytes, as: UTF8.self) }

  /// The value without what follows the first `;`, such as a media type's parameters.
  package var withoutParameters: HTTPHeaderValue {
    guard let semicolon = bytes.firstIndex(of: UInt8(ascii: ";")) else { return self }
    return HTTPHeaderValue(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<semicolon]))
  }

  /// The value of a parameter behind a `;`, such as a media type's, without quotes; nil when there is none of that name.
  package func parameter(_ name: StaticString) -> String? {
    for parameter in bytes.split(separator: UInt8(ascii: ";")).dropFirst() {
      guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let key = HTTPHeaderValue(bytes: UnsafeRawBufferPointer(rebasing: parameter[..<equals]))
      guard key.isWord(name) else { continue }
      let value = HTTPHeaderValue(bytes: UnsafeRawBufferPointer(rebasing: parameter[(equals + 1)...])).string
      return value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
        ? String(value.dropFirst().dropLast()) : value
    }
    return nil
  }

  /// Whether the whole value is this word, in any letter case.
  package func isWord(_ word: StaticString) -> Bool {
    word.withUTF8Buffer { word in
      word.count == bytes.count && zip(word, bytes).allSatisfy { Self.lowercased($0) == Self.lowercased($1) }
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
  }
}

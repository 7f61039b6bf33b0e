import CJSON

/// Why text is no JSON that can be read.
package enum JSONError: Error, Equatable, CustomStringConvertible {
  case empty
  case syntax
  case notUTF8
  /// Arrays and objects nested deeper than the document allows.
  case tooDeep
  /// A number out of every range: an integer beyond 64 bits, or a double that would be infinite.
  case badNumber
  /// 4 GiB or more.
  case tooLarge
  case outOfMemory

  package var description: String {
    switch self {
    case .empty: "no JSON value"
    case .syntax: "malformed JSON"
    case .notUTF8: "JSON text that is not UTF-8"
    case .tooDeep: "JSON nested too deeply"
    case .badNumber: "a JSON number that is malformed or too large"
    case .tooLarge: "JSON text of 4 GiB or more"
    case .outOfMemory: "no memory for the JSON text"
    }
  }
}

/// Reads JSON text. Used again, it allocates nothing for a text that is no longer than those before.
///
/// For one thread at a time.
package final class JSONDocument {
  private let raw: OpaquePointer
  /// The value that was parsed last; nil when that failed, or nothing was.
  package var root: JSONValue? { parsed.map { JSONValue($0, of: self) } }
  private var parsed: cjson_value?

  /// How deep arrays and objects may be nested when nothing else is said.
  package static let defaultDepth = 128

  package init(maxDepth: Int = defaultDepth) {
    guard let raw = cjson_create(maxDepth) else { fatalError("no memory for a JSON parser") }
    self.raw = raw
  }

  /// A document of its own for one text.
  package convenience init(_ text: some Sequence<UInt8>) throws(JSONError) {
    self.init()
    let bytes = ContiguousArray(text)
    var failure: JSONError?
    bytes.withUnsafeBytes {
      do throws(JSONError) { try parse($0) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  deinit {
    cjson_destroy(raw)
  }

  /// Parses text, which may go afterwards. Values of the text before, and their strings, mean nothing any more.
  @discardableResult
  package func parse(_ text: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
    parsed = nil
    var value = cjson_value()
    let result = cjson_parse(raw, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, &value)
    guard result == CJSON_PARSED else { throw JSONError(result) }
    parsed = value
    return JSONValue(value, of: self)
  }
}

extension JSONError {
  fileprivate init(_ result: cjson_result) {
    self =
      switch result {
      case CJSON_EMPTY: .empty
      case CJSON_NOT_UTF8: .notUTF8
      case CJSON_TOO_DEEP: .tooDeep
      case CJSON_BAD_NUMBER: .badNumber
      case CJSON_TOO_LARGE: .tooLarge
      case CJSON_OUT_OF_MEMORY: .outOfMemory
      default: .syntax
      }
  }
}

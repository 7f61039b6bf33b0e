import CJSON

/// A value of a document, until that parses another text. It keeps the document, and allocates nothing.
package struct JSONValue {
  package enum Kind: Sendable {
    case null, bool, number, string, array, object
  }

  let raw: cjson_value
  private let document: JSONDocument

  init(_ raw: cjson_value, of document: JSONDocument) {
    self.raw = raw
    self.document = document
  }

  package var kind: Kind {
    switch cjson_kind_of(raw) {
    case CJSON_BOOL: .bool
    case CJSON_INT, CJSON_UINT, CJSON_DOUBLE: .number
    case CJSON_STRING: .string
    case CJSON_ARRAY: .array
    case CJSON_OBJECT: .object
    default: .null
    }
  }

  package var bool: Bool? { kind == .bool ? cjson_bool(raw) : nil }

  /// A number that is an integer of 64 bits, however it is written: 2, 2.0 and 2e0 are the same.
  package var int: Int64? {
    switch cjson_kind_of(raw) {
    case CJSON_INT: cjson_int(raw)
    case CJSON_DOUBLE: Int64(exactly: cjson_double(raw))
    default: nil
    }
  }

  /// An integer above the range of `int`.
  package var uint: UInt64? { cjson_kind_of(raw) == CJSON_UINT ? cjson_uint(raw) : nil }

  /// Any number, an integer to the precision that a double has.
  package var double: Double? { kind == .number ? cjson_double(raw) : nil }

  /// A string's UTF-8, without escapes; as long as the document and its text.
  package var text: UnsafeRawBufferPointer? {
    kind == .string ? UnsafeRawBufferPointer(cjson_string(raw)) : nil
  }

  package var string: String? { text.map { String(decoding: $0, as: UTF8.self) } }

  /// The members of an object in their order, equal keys included; none of other values.
  package var members: Members { Members(self) }

  /// The elements of an array; none of other values.
  package var elements: Elements { Elements(self) }

  /// The first member of that key; nil without one.
  package subscript(key: String) -> JSONValue? {
    var key = key
    return key.withUTF8 { key in members.first { $0.key.elementsEqual(key) }?.value }
  }

  package struct Members: Sequence, IteratorProtocol {
    private var cursor: cjson_cursor
    private let isObject: Bool
    private let document: JSONDocument

    fileprivate init(_ value: JSONValue) {
      cursor = cjson_start(value.raw)
      isObject = value.kind == .object
      document = value.document
    }

    /// The key is borrowed, like `text`.
    package mutating func next() -> (key: UnsafeRawBufferPointer, value: JSONValue)? {
      var key = cjson_text()
      var value = cjson_value()
      guard isObject, cjson_next_member(&cursor, &key, &value) else { return nil }
      return (UnsafeRawBufferPointer(key), JSONValue(value, of: document))
    }
  }

  package struct Elements: Sequence, IteratorProtocol {
    private var cursor: cjson_cursor
    private let isArray: Bool
    private let document: JSONDocument

    fileprivate init(_ value: JSONValue) {
      cursor = cjson_start(value.raw)
      isArray = value.kind == .array
      document = value.document
    }

    package mutating func next() -> JSONValue? {
      var value = cjson_value()
      guard isArray, cjson_next_element(&cursor, &value) else { return nil }
      return JSONValue(value, of: document)
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate init(_ text: cjson_text) {
    self.init(start: text.bytes, count: text.count)
  }
}

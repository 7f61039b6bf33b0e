import COTLP

/// Reads OTLP/JSON: writes a text as the protobuf bytes of the same message, which everything behind it works on.
///
/// Used again, it allocates nothing for a text that is no longer than those before. For one thread at a time.
package final class OTLPJSONReader {
  /// Why a text is no message.
  package struct Failure: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
      case syntax, notUTF8, escape, kind, number, name, hexadecimal, base64, tooDeep
      /// More bytes than the limit allows would come out.
      case tooLarge
      case outOfMemory
    }

    package let reason: Reason
    /// Where in the text, in bytes.
    package let offset: Int
    /// The field at fault, as JSON names it; nil where it is no field's fault.
    package let field: String?

    package var description: String {
      "malformed JSON at byte \(offset): " + (field.map { "\($0): " } ?? "") + reason.text
    }
  }

  /// Zero bytes that have to follow a text.
  package static let margin = Int(COTLP_JSON_MARGIN)

  private let raw: OpaquePointer

  package init() {
    guard let raw = cotlp_json_reader_create() else { fatalError("no memory for a JSON reader") }
    self.raw = raw
  }

  deinit {
    cotlp_json_reader_destroy(raw)
  }

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - text: UTF-8, with `margin` zero bytes behind it.
  ///   - kind: the message that it is.
  ///   - limit: the most bytes that may come out.
  ///   - reserve: returns memory of at least that many bytes, which starts with what was written to it before.
  /// - Returns: how many bytes of the reserved memory are the message.
  /// - Throws: when the text is no JSON, or no such message.
  package func read(
    _ text: UnsafeRawBufferPointer, as kind: OTLPMessage, limit: Int,
    reserve: (Int) -> UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int {
    var reading = cotlp_json_reading()
    let fault = withoutActuallyEscaping(reserve) { reserve in
      withUnsafePointer(to: reserve) { context in
        cotlp_json_read(
          raw, kind.code, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, limit,
          { context, wanted, capacity in
            guard let context, let capacity else { return nil }
            let reserve = context.assumingMemoryBound(to: ((Int) -> UnsafeMutableRawBufferPointer).self).pointee
            let memory = reserve(wanted)
            capacity.pointee = memory.count
            return memory.baseAddress?.assumingMemoryBound(to: UInt8.self)
          }, UnsafeMutableRawPointer(mutating: context), &reading)
      }
    }
    if let reason = Failure.Reason(fault) {
      let field = reading.field.map { name in
        String(decoding: UnsafeRawBufferPointer(start: name, count: reading.field_count), as: UTF8.self)
      }
      throw Failure(reason: reason, offset: reading.offset, field: field)
    }
    return reading.written
  }
}

extension OTLPJSONReader.Failure.Reason {
  fileprivate init?(_ fault: cotlp_json_fault) {
    switch fault {
    case COTLP_JSON_SOUND: return nil
    case COTLP_JSON_NOT_UTF8: self = .notUTF8
    case COTLP_JSON_BAD_ESCAPE: self = .escape
    case COTLP_JSON_WRONG_KIND: self = .kind
    case COTLP_JSON_BAD_NUMBER: self = .number
    case COTLP_JSON_BAD_NAME: self = .name
    case COTLP_JSON_BAD_HEX: self = .hexadecimal
    case COTLP_JSON_BAD_BASE64: self = .base64
    case COTLP_JSON_NESTED: self = .tooDeep
    case COTLP_JSON_TOO_LARGE: self = .tooLarge
    case COTLP_JSON_NO_MEMORY: self = .outOfMemory
    default: self = .syntax
    }
  }

  /// For the person who runs the sender.
  fileprivate var text: String {
    switch self {
    case .syntax: "this is no JSON"
    case .notUTF8: "this is not UTF-8"
    case .escape: "no such escape, or half a surrogate pair"
    case .kind: "another kind of value is needed here"
    case .number: "no number, or one that the field can't hold"
    case .name: "an unknown name"
    case .hexadecimal: "an id is written in hexadecimal digits"
    case .base64: "this is not base64"
    case .tooDeep: "nested too deeply"
    case .tooLarge: "more bytes than are allowed come out"
    case .outOfMemory: "no memory"
    }
  }
}

import JSON

/// Comma-separated values, as RFC 4180 has them.
///
/// Values stand there as the API gives them: an unknown one is empty, lists and objects are JSON.
enum CSV {
  /// One line.
  static func line(_ fields: [String]) -> String {
    fields.map(field).joined(separator: ",") + "\r\n"
  }

  /// What a member of a document is in a field.
  static func text(_ value: JSONValue?) -> String {
    guard let value else { return "" }
    return switch value.kind {
    case .null: ""
    case .bool: value.bool == true ? "true" : "false"
    case .string: value.string ?? ""
    case .number: number(value)
    case .array, .object: json(value)
    }
  }

  private static func field(_ text: String) -> String {
    // Scalars, since CR and LF behind one another are a single character.
    guard text.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return text }
    let doubled = text.unicodeScalars.reduce(into: "") { result, scalar in
      result.unicodeScalars.append(scalar)
      if scalar == "\"" { result.unicodeScalars.append(scalar) }
    }
    return "\"\(doubled)\""
  }

  private static func number(_ value: JSONValue) -> String {
    if let int = value.int { return String(int) }
    if let uint = value.uint { return String(uint) }
    let double = value.double ?? 0
    // Nothing of the API is finer than a billionth, and spreadsheets stumble over exponents.
    guard abs(double) < 1e9 else { return "\(double)" }
    var digits = Readable.fixed(double, 9)
    while digits.hasSuffix("0") { digits.removeLast() }
    if digits.hasSuffix(".") { digits.removeLast() }
    return digits
  }

  private static func json(_ value: JSONValue) -> String {
    var text = JSONText()
    write(value, to: &text)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  private static func write(_ value: JSONValue, to text: inout JSONText) {
    switch value.kind {
    case .null: text.null()
    case .bool: text.bool(value.bool == true)
    case .string: text.string(value.text ?? UnsafeRawBufferPointer(start: nil, count: 0))
    case .number: text.raw(number(value).utf8)
    case .array:
      text.beginArray()
      for element in value.elements { write(element, to: &text) }
      text.endArray()
    case .object:
      text.beginObject()
      for (key, member) in value.members {
        text.key(String(decoding: key, as: UTF8.self))
        write(member, to: &text)
      }
      text.endObject()
    }
  }
}

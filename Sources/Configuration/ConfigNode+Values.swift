extension ConfigNode {
  /// Text that is in quotes or looks like nothing else; what a substitution brought is text whatever it looks like.
  package var string: String? {
    if let substituted { return substituted }
    guard case .scalar(let scalar) = content, case .string(let text) = scalar.value else { return nil }
    return text
  }

  /// A whole number, also when written as `1e6`.
  package var int: Int? {
    guard case .scalar(let scalar) = content else { return nil }
    return switch scalar.value {
    case .int(let number): number
    case .double(let number): Int(exactly: number)
    default: nil
    }
  }

  /// A finite number.
  package var double: Double? {
    guard case .scalar(let scalar) = content else { return nil }
    return switch scalar.value {
    case .int(let number): Double(number)
    case .double(let number) where number.isFinite: number
    default: nil
    }
  }

  package var bool: Bool? {
    guard case .scalar(let scalar) = content else { return nil }
    return scalar.asBool
  }

  /// A duration in Go's notation: a number needs its unit, except 0.
  package var duration: Duration? {
    int == 0 ? .zero : string.flatMap { Duration(goText: $0) }
  }

  /// What stands here, for a message; `hidden` leaves the value itself out.
  func found(hidden: Bool) -> String {
    switch content {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let scalar):
      switch scalar.value {
      case .null: "nothing"
      case .bool: hidden ? "a truth value" : displayed(scalar.text)
      case .int: hidden ? "a whole number" : "the whole number \(displayed(scalar.text))"
      case .double: hidden ? "a number" : "the number \(displayed(scalar.text))"
      case .string: hidden ? "some text" : "the text \(quoted(Secrets.withoutPassword(scalar.text)))"
      }
    }
  }
}

import JSON

extension JSONValue {
  /// The value at the end of a path of keys; nil when there is none, or null.
  func at(_ path: [String]) -> JSONValue? {
    var value = self
    for key in path {
      guard let member = value[key], member.kind != .null else { return nil }
      value = member
    }
    return value
  }

  func at(_ path: String...) -> JSONValue? { at(path) }

  func text(_ path: String...) -> String? { at(path)?.string }
  func number(_ path: String...) -> Double? { at(path)?.double }
  func count(_ path: String...) -> Int64? { at(path)?.int }

  /// The strings of an array.
  func texts(_ path: String...) -> [String] { at(path)?.elements.compactMap(\.string) ?? [] }

  func rows(_ key: String) -> [JSONValue] { self[key].map { Array($0.elements) } ?? [] }
}

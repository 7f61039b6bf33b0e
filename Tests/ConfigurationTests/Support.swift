import Configuration

/// A tree without positions, to compare.
indirect enum Value: Equatable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case list([Value])
  case map([Pair])

  struct Pair: Equatable, Sendable {
    let key: String
    let value: Value
  }

  init(stringLiteral value: String) { self = .string(value) }
  init(integerLiteral value: Int) { self = .int(value) }
  init(booleanLiteral value: Bool) { self = .bool(value) }
  init(floatLiteral value: Double) { self = .double(value) }
  init(nilLiteral: ()) { self = .null }
  init(arrayLiteral elements: Value...) { self = .list(elements) }
  init(dictionaryLiteral elements: (String, Value)...) { self = .map(elements.map { Pair(key: $0, value: $1) }) }

  init(_ node: ConfigNode) {
    switch node.content {
    case .sequence(let elements): self = .list(elements.map(Value.init))
    case .mapping(let entries): self = .map(entries.map { Pair(key: $0.key, value: Value($0.value)) })
    case .scalar(let scalar):
      switch scalar.value {
      case .null: self = .null
      case .bool(let value): self = .bool(value)
      case .int(let value): self = .int(value)
      case .double(let value): self = .double(value)
      case .string(let value): self = .string(value)
      }
    }
  }
}

func parse(_ yaml: String, source: String = "config.yaml") throws(Diagnostic) -> ConfigNode {
  try ConfigNode.parse(Array(yaml.utf8), source: source)
}

/// The message of a text that cannot be read, nil if it can.
func failure(_ bytes: some Sequence<UInt8>) -> String? {
  do throws(Diagnostic) {
    _ = try ConfigNode.parse(Array(bytes), source: "config.yaml")
    return nil
  } catch {
    return error.description
  }
}

func failure(_ yaml: String) -> String? { failure(yaml.utf8) }

extension ConfigEnvironment {
  /// Variables and files that exist only in the test.
  static func fake(_ variables: [String: String] = [:], files: [String: String] = [:]) -> ConfigEnvironment {
    ConfigEnvironment(
      variable: { variables[$0] },
      file: { (path) throws(Unreadable) in
        guard let text = files[path] else { throw Unreadable("No such file or directory") }
        return Array(text.utf8)
      })
  }
}

/// A configuration that was read, with what was said about it.
struct Loaded {
  let node: ConfigNode
  let diagnostics = Diagnostics()

  init(
    _ yaml: String, variables: [String: String] = [:], files: [String: String] = [:], sources: [String] = [],
    settings: [String] = []
  ) {
    var files = files
    files["config.yaml"] = yaml
    node = ConfigLoader.load(
      ["config.yaml"] + sources, settings: settings, environment: .fake(variables, files: files),
      diagnostics: diagnostics)
  }

  var value: Value { Value(node) }
  var messages: [String] { diagnostics.all.map(\.description) }
  var section: ConfigSection { ConfigSection(node, diagnostics: diagnostics) }
}

/// Command-line options: `--name value`, or `--name` alone for flags.
struct Options {
  private var values: [String: String] = [:]
  private var flags: Set<String> = []

  /// Throws at an option that is in neither set, or that lacks its value.
  init(_ arguments: some Sequence<String>, valued: Set<String>, flags known: Set<String> = []) throws {
    var arguments = arguments.makeIterator()
    while let argument = arguments.next() {
      let name = String(argument.dropFirst(2))
      guard argument.hasPrefix("--"), valued.contains(name) || known.contains(name) else {
        throw BenchError("unknown option \(argument)")
      }
      if known.contains(name) {
        flags.insert(name)
      } else if let value = arguments.next() {
        values[name] = value
      } else {
        throw BenchError("\(argument) needs a value")
      }
    }
  }

  func has(_ flag: String) -> Bool {
    flags.contains(flag)
  }

  func string(_ name: String) -> String? {
    values[name]
  }

  /// The value of an option without its dashes. Throws when it is no number in the range.
  func int(_ name: String, default standard: Int, in range: ClosedRange<Int>) throws -> Int {
    guard let text = values[name] else { return standard }
    guard let number = Int(text), range ~= number else {
      throw BenchError("--\(name) is a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
    }
    return number
  }

  /// The options that say what is sent.
  static let traffic: Set<String> = ["spans", "connections", "shape", "seed", "users", "patience"]
  static let trafficFlags: Set<String> = ["gzip", "json", "grpc"]

  /// - Throws: when an option makes no sense.
  func traffic() throws -> Traffic {
    var traffic = Traffic()
    let shape = string("shape") ?? traffic.shape.rawValue
    guard let known = Traffic.Shape(rawValue: shape) else {
      throw BenchError("--shape is one of \(Traffic.Shape.allCases.map(\.rawValue)), not \(shape)")
    }
    traffic.shape = known
    traffic.seed = UInt64(try int("seed", default: Int(traffic.seed), in: 0...Int.max))
    traffic.users = try int("users", default: traffic.users, in: 1...100_000_000)
    traffic.gzip = has("gzip")
    traffic.grpc = has("grpc")
    traffic.json = has("json")
    return traffic
  }

  /// Whole traces that have at least as many spans as are asked for.
  func traces(_ name: String, default standard: Int, spansPerTrace: Int = Numbering.spansPerTrace) throws -> Int {
    let spans = try int(name, default: standard, in: 0...1_000_000_000)
    return (spans + spansPerTrace - 1) / spansPerTrace
  }

  /// Seconds that each phase may take.
  func patience() throws -> Int {
    try int("patience", default: 120, in: 1...3600)
  }

  /// - Throws: when an option makes no sense.
  func load(_ traffic: Traffic, to endpoint: Endpoint) throws -> Load {
    Load(
      traffic: traffic, endpoint: endpoint, connections: try int("connections", default: 6, in: 1...256),
      patience: try patience())
  }
}

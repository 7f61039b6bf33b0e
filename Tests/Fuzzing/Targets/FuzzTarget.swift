/// A part of Heirloom that takes anybody's bytes, with what must hold of it whatever they are.
package struct FuzzTarget: Sendable {
  /// Also the name of its corpus.
  package let name: String
  /// Feeds the bytes in. What is wrong with what came of it, or nil.
  package let check: @Sendable ([UInt8]) -> String?

  package static let all: [FuzzTarget] = [
    .index, .logs, .metrics, .json, .jsonReader, .inflate, .configuration, .spool, .facts, .scores, .filter, .http,
    .privacy,
  ]

  /// The target of that name.
  package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}
